#include "decode/held_segments.h"

#include <utility>

namespace flowtap::decode {

void HeldSegments::rotate(int64_t nowNs) {
  for (const Held& held : old_.segments)
    if (nowNs - held.segment.timestampNs < options_.holdNs) stats_.tcp_heldDropped++;
  std::swap(young_, old_);
  young_.segments.clear();
  young_.bytes.clear();
  young_.segments.reserve(options_.maxSegments);
  young_.bytes.reserve(options_.maxBytes);
}

void HeldSegments::hold(const Segment& segment, uint64_t tag, const PacketNote& note) {
  if (segment.payloadLength > options_.maxBytes) {
    stats_.tcp_heldDropped++;
    return;
  }
  const bool full =
      young_.segments.size() == options_.maxSegments || young_.bytes.size() + segment.payloadLength > options_.maxBytes;
  const bool due =
      !young_.segments.empty() && segment.timestampNs - young_.segments.front().segment.timestampNs >= options_.holdNs;
  if (full || due || young_.segments.capacity() == 0) rotate(segment.timestampNs);
  Segment copy = segment;
  copy.payload = young_.bytes.data() + young_.bytes.size();
  young_.bytes.insert(young_.bytes.end(), segment.payload, segment.payload + segment.payloadLength);
  young_.segments.push_back({copy, tag, note});
}

}  // namespace flowtap::decode
