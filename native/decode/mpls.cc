// MPLS label stacks, whose payload says nothing about its type.
#include "decode/layers.h"

namespace flowtap::decode {

bool looksLikeIp(const Reader& bytes, uint32_t offset) {
  if (!bytes.has(uint64_t{offset} + 20)) return false;
  const uint8_t first = bytes.u8(offset);
  const uint64_t rest = bytes.wireSize() - offset;
  if (first >> 4 == 4) {
    const uint32_t header = 4u * (first & 0x0f);
    const uint16_t total = bytes.be16(offset + 2);
    return header >= 20 && total >= header && total <= rest;
  }
  if (first >> 4 == 6) return rest >= 40 && bytes.be16(offset + 4) + 40u <= rest;
  return false;
}

bool looksLikeEthernet(const Reader& bytes, uint32_t offset) {
  if (!bytes.has(uint64_t{offset} + 15)) return false;
  switch (bytes.be16(offset + 12)) {
    case 0x0800:
      return bytes.u8(offset + 14) >> 4 == 4;
    case 0x86dd:
      return bytes.u8(offset + 14) >> 4 == 6;
    case 0x0806:
      return bytes.u8(offset + 14) == 0;
    case 0x8100:
    case 0x88a8:
    case 0x8847:
    case 0x8864:
      return true;
    default:
      return false;
  }
}

Step stepMpls(Walk& walk) {
  Reader& bytes = walk.bytes;
  for (bool bottom = false; !bottom; bytes.skip(4)) {
    if (!bytes.has(4)) return Step::malformed;
    bottom = bytes.u8(2) & 1;
  }
  if (!bytes.has(1)) return Step::malformed;
  // A first nibble of 4 or 6 is IP unless a MAC address starts with it; 0 is a pseudowire control word (RFC 4385).
  const uint8_t nibble = bytes.u8(0) >> 4;
  if (nibble == 0 && looksLikeEthernet(bytes, 4)) return walk.goBehind(4, Layer::ethernet);
  if ((nibble == 4 || nibble == 6) && !(looksLikeEthernet(bytes, 0) && !looksLikeIp(bytes, 0))) {
    return walk.go(Layer::ip);
  }
  if (looksLikeEthernet(bytes, 0)) return walk.go(Layer::ethernet);
  return Step::notTcp;
}

}  // namespace flowtap::decode
