// GRE (RFC 2784, RFC 2890), PPTP's variant of it (RFC 2637), and what mirrors put into it.
#include "decode/layers.h"
#include "decode/scope.h"

namespace flowtap::decode {
namespace {

constexpr uint16_t flagChecksum = 0x8000;
constexpr uint16_t flagRouting = 0x4000;
constexpr uint16_t flagKey = 0x2000;
constexpr uint16_t flagSequence = 0x1000;
constexpr uint16_t flagAcknowledgment = 0x0080;  // version 1

enum GreProtocol : uint16_t {
  greIpv4 = 0x0800,
  greErspan3 = 0x22eb,
  greTransparentEthernet = 0x6558,
  greIpv6 = 0x86dd,
  grePpp = 0x880b,
  greWccp = 0x883e,
  greErspan = 0x88be,
};

// Aruba numbers its access points' tunnels from 0x8200 in steps of 0x10.
bool isAruba(uint16_t protocol) { return (protocol & 0xfe0f) == 0x8200; }

// Type I has no header and no sequence number, type II has both.
Step stepErspan(Walk& walk, bool sequenced) {
  walk.mirrored = true;
  if (!sequenced) return walk.go(Layer::ethernet);
  if (!walk.bytes.has(8)) return Step::malformed;
  return walk.bytes.u8(0) >> 4 == 1 ? walk.goBehind(8, Layer::ethernet) : Step::unsupported;
}

Step stepErspan3(Walk& walk) {
  constexpr uint16_t flagSubHeader = 0x0001;
  walk.mirrored = true;
  if (!walk.bytes.has(12)) return Step::malformed;
  if (walk.bytes.u8(0) >> 4 != 2) return Step::unsupported;
  const uint16_t flags = walk.bytes.be16(10);
  const uint16_t frameType = flags >> 10 & 0x1f;
  if (!walk.bytes.skip(flags & flagSubHeader ? 20 : 12)) return Step::malformed;
  if (frameType == 0) return walk.go(Layer::ethernet);
  return frameType == 2 ? walk.go(Layer::ip) : Step::unsupported;
}

// Version 2 of WCCP puts four bytes of its own before the packet.
Step stepWccp(Walk& walk) {
  if (!walk.bytes.has(1)) return Step::malformed;
  return walk.goBehind(walk.bytes.u8(0) >> 4 == 4 ? 0 : 4, Layer::ipv4);
}

Step stepPptp(Walk& walk, uint16_t flags) {
  if (!walk.bytes.has(8)) return Step::malformed;
  const uint16_t length = walk.bytes.be16(4);
  if (walk.bytes.be16(2) != grePpp || (flags & flagKey) == 0) return Step::malformed;
  const uint32_t header = 8 + (flags & flagSequence ? 4 : 0) + (flags & flagAcknowledgment ? 4 : 0);
  if (!walk.bytes.skip(header)) return Step::malformed;
  if ((flags & flagSequence) == 0) return Step::notTcp;  // an acknowledgment alone
  walk.bytes.limit(length);
  return walk.go(Layer::ppp);
}

// RFC 1701: source route entries up to an empty one.
bool skipRouting(Reader& bytes) {
  while (bytes.has(4)) {
    const uint32_t length = bytes.u8(3);
    const bool last = bytes.be16(0) == 0 && length == 0;
    if (!bytes.skip(4 + length)) return false;
    if (last) return true;
  }
  return false;
}

}  // namespace

Step stepGre(Walk& walk) {
  Reader& bytes = walk.bytes;
  if (!bytes.has(4)) return Step::malformed;
  const uint16_t flags = bytes.be16(0);
  const uint16_t protocol = bytes.be16(2);
  const uint16_t version = flags & 7;
  if (version == 1) return stepPptp(walk, flags);
  if (version != 0) return Step::unsupported;

  bytes.skip(4);
  if (flags & (flagChecksum | flagRouting) && !bytes.skip(4)) return Step::malformed;
  if (flags & flagKey && !bytes.skip(4)) return Step::malformed;
  if (flags & flagSequence && !bytes.skip(4)) return Step::malformed;
  if (flags & flagRouting && !skipRouting(bytes)) return Step::malformed;

  if (isAruba(protocol)) return walk.go(Layer::wlan);
  switch (protocol) {
    case greIpv4:
    case greIpv6:
      if (walk.ipVersion == 4) walk.scope = extendScope(walk.scope, walk.source, walk.destination);
      return walk.go(Layer::etherType, protocol);
    case greTransparentEthernet:
      // The key would be the tenant network of NVGRE (RFC 7637), but mirrors of virtual switches look the same and have
      // another key in each direction.
      return walk.go(Layer::ethernet);
    case greErspan:
      return stepErspan(walk, flags & flagSequence);
    case greErspan3:
      return stepErspan3(walk);
    case greWccp:
      return stepWccp(walk);
    default:
      return walk.go(Layer::etherType, protocol);
  }
}

}  // namespace flowtap::decode
