#include "delivery/flow_tally.h"

namespace flowtap::delivery {

namespace control = decode::control;

bool FlowTally::take(const decode::PacketNote& packet, const decode::Segment& segment) {
  const bool isSyn = (segment.controlBits & control::syn) != 0;
  const uint32_t length = segment.payloadLength + segment.truncatedLength;
  const bool begins = !begun_;
  if (over_ || (begins && !isSyn && length == 0)) return false;
  const uint32_t sequence = segment.sequence + (isSyn ? 1 : 0);
  if (begins) {
    begun_ = true;
    nextSequence_ = sequence;
    counts_.firstTimeNs = segment.timestampNs;
  }
  counts_.packets++;
  counts_.bytes += packet.wireLength;
  counts_.capturedBytes += packet.capturedLength;
  counts_.lastTimeNs = segment.timestampNs;
  synSeen_ |= isSyn;
  if (isSyn && length != 0) counts_.violations++;
  if (length != 0) place(sequence, length);
  const bool endsHere = (segment.controlBits & control::fin) != 0 && sequence + length == nextSequence_;
  if (endsHere || (segment.controlBits & control::rst) != 0) over_ = true;
  return begins;
}

void FlowTally::place(uint32_t sequence, uint32_t length) {
  const auto ahead = static_cast<int32_t>(sequence - nextSequence_);
  if (position_ + ahead < 0 && synSeen_) {
    counts_.violations++;
    return;
  }
  if (ahead < 0) counts_.outOfOrder++;
  position_ += ahead + static_cast<int64_t>(length);
  if (position_ < length) position_ = length;
  nextSequence_ = sequence + length;
}

}  // namespace flowtap::delivery
