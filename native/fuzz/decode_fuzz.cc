// Any bytes as packets of any link type. Input: a byte that selects the link type and the options, then packets, each
// as a byte of flags, two bytes of length and its bytes; several a run, so that fragments meet.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "decode/decoder.h"

using flowtap::Stats;
using flowtap::decode::DecodeOptions;
using flowtap::decode::Decoder;
using flowtap::decode::DecodeResult;
using flowtap::decode::Segment;
using flowtap::source::Packet;

namespace {

constexpr uint32_t linkTypes[] = {1,   0,   6,   7,   8,   9,   10,  12,  14,  50,  51,  100, 101,
                                  104, 105, 106, 107, 108, 109, 113, 117, 119, 122, 123, 127, 129,
                                  138, 163, 192, 204, 205, 206, 219, 228, 229, 239, 240, 258, 276};
constexpr size_t linkTypeCount = sizeof(linkTypes) / sizeof(linkTypes[0]);

void require(bool condition) {
  if (!condition) abort();
}

// Reads the payload, so that a sanitizer sees where it reaches.
void checkSegment(const Segment& segment) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < segment.payloadLength; ++i) sum += segment.payload[i];
  volatile uint32_t sink = sum;
  (void)sink;
  require(segment.ipVersion == 4 || segment.ipVersion == 6);
  require(segment.vlan == flowtap::decode::noVlan || (segment.vlan > 0 && segment.vlan < 4096));
  require(uint64_t{segment.payloadLength} + segment.truncatedLength <= 1u << 21);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Stats stats;
  DecodeOptions options;
  options.verifyChecksums = data[0] & 0x80;
  options.maxFragmentBytes = 100'000;
  Decoder decoder(options, stats);
  const uint32_t linkType = linkTypes[(data[0] & 0x7f) % linkTypeCount];
  int64_t nowNs = 0;
  for (size_t at = 1; at + 3 <= size;) {
    const uint8_t flags = data[at];
    size_t length = static_cast<size_t>(data[at + 1]) << 8 | data[at + 2];
    at += 3;
    if (length > size - at) length = size - at;
    auto copy = std::make_unique<uint8_t[]>(length);
    if (length != 0) std::memcpy(copy.get(), data + at, length);
    at += length;
    // Some packets are cut, some come much later, some lie about their length.
    nowNs += flags & 0x10 ? 40'000'000'000 : 1'000'000;
    uint32_t wireLength = static_cast<uint32_t>(length) + (flags & 0x0f) * 100u;
    if (flags & 0x20) wireLength = 0xffffffff;
    if (flags & 0x40) wireLength = 0;
    const Packet packet = {copy.get(), static_cast<uint32_t>(length), wireLength, nowNs, linkType, 0};
    Segment segment;
    if (decoder.decode(packet, segment) == DecodeResult::segment) checkSegment(segment);
    if (flags & 0x80) decoder.releaseDatagrams();
  }
  require(stats.packets_received ==
          stats.packets_decoded + stats.packets_notTcp + stats.packets_malformed + stats.packets_unsupported);
  return 0;
}
