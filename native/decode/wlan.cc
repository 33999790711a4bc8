// IEEE 802.11 data frames.
#include "decode/layers.h"

namespace flowtap::decode {
namespace {

constexpr uint8_t control0Qos = 0x80;
constexpr uint8_t control0NoData = 0x40;
constexpr uint8_t control1BothDs = 0x03;
constexpr uint8_t control1MoreFragments = 0x04;
constexpr uint8_t control1Protected = 0x40;
constexpr uint8_t control1Order = 0x80;
constexpr uint8_t qosAggregate = 0x80;

// An A-MSDU: addresses, length, frame, padded to four bytes. A Segment is one frame, so only an aggregate of one is
// decoded.
Step stepAggregate(Walk& walk) {
  if (!walk.bytes.has(14)) return Step::malformed;
  const uint32_t length = walk.bytes.be16(12);
  const uint32_t padded = (14 + length + 3) & ~3u;
  constexpr uint32_t smallestFrameAndCheck = 14 + 8 + 4;
  if (walk.bytes.wireSize() >= padded + smallestFrameAndCheck) return Step::unsupported;
  walk.bytes.skip(14);
  walk.bytes.limit(length);
  return walk.go(Layer::llc);
}

}  // namespace

Step stepRadiotap(Walk& walk) {
  constexpr uint32_t presentTsft = 1u << 0;
  constexpr uint32_t presentFlags = 1u << 1;
  constexpr uint32_t presentMore = 1u << 31;
  constexpr uint8_t flagPadded = 0x20;
  if (!walk.bytes.has(8)) return Step::malformed;
  const uint16_t header = walk.bytes.le16(2);
  if (walk.bytes.u8(0) != 0 || header < 8 || !walk.bytes.has(header)) return Step::malformed;
  const uint32_t present = walk.bytes.le32(4);
  uint32_t at = 8;
  for (uint32_t word = present; word & presentMore; at += 4) {
    if (at + 4 > header) return Step::malformed;
    word = walk.bytes.le32(at);
  }
  if (present & presentFlags) {
    if (present & presentTsft) at = ((at + 7) & ~7u) + 8;
    if (at >= header) return Step::malformed;
    walk.padded = walk.bytes.u8(at) & flagPadded;
  }
  return walk.goBehind(header, Layer::wlan);
}

Step stepWlan(Walk& walk) {
  if (!walk.bytes.has(2)) return Step::malformed;
  const uint8_t control0 = walk.bytes.u8(walk.controlSwapped ? 1 : 0);
  const uint8_t control1 = walk.bytes.u8(walk.controlSwapped ? 0 : 1);
  const bool data = (control0 & 0x0f) == 0x08;  // version 0, type 2
  if (!data || control0 & control0NoData || control1 & control1Protected) return Step::notTcp;
  if (!walk.bytes.has(24)) return Step::malformed;
  if (control1 & control1MoreFragments || (walk.bytes.u8(22) & 0x0f) != 0) return Step::unsupported;

  uint32_t header = (control1 & control1BothDs) == control1BothDs ? 30 : 24;
  bool aggregate = false;
  if (control0 & control0Qos) {
    if (!walk.bytes.has(header + 2)) return Step::malformed;
    aggregate = walk.bytes.u8(header) & qosAggregate;
    header += 2;
    if (control1 & control1Order) header += 4;  // HT control
  }
  if (walk.padded) header = (header + 3) & ~3u;
  if (!walk.bytes.skip(header)) return Step::malformed;
  return aggregate ? stepAggregate(walk) : walk.go(Layer::llc);
}

}  // namespace flowtap::decode
