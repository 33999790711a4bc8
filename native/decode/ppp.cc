// PPP and the framings of serial lines.
#include "decode/layers.h"

namespace flowtap::decode {
namespace {

enum PppProtocol : uint16_t {
  pppIpv4 = 0x0021,
  pppCompressedTcp = 0x002d,
  pppUncompressedTcp = 0x002f,
  pppBridging = 0x0031,
  pppMultilink = 0x003d,
  pppIpv6 = 0x0057,
  pppMpls = 0x0281,
  pppMplsMulticast = 0x0283,
};

}  // namespace

Step stepPpp(Walk& walk) {
  Reader& bytes = walk.bytes;
  if (bytes.has(2) && bytes.u8(0) == 0xff && bytes.u8(1) == 0x03) bytes.skip(2);
  if (!bytes.has(1)) return Step::malformed;
  uint16_t protocol = bytes.u8(0);
  if (protocol & 1) {  // compressed to one byte (RFC 1661, 6.5)
    bytes.skip(1);
  } else {
    if (!bytes.has(2)) return Step::malformed;
    protocol = bytes.be16(0);
    bytes.skip(2);
  }
  switch (protocol) {
    case pppIpv4:
      return walk.go(Layer::ipv4);
    case pppIpv6:
      return walk.go(Layer::ipv6);
    case pppMpls:
    case pppMplsMulticast:
      return walk.go(Layer::mpls);
    case pppBridging:
      if (!bytes.has(2)) return Step::malformed;
      return bytes.u8(1) == 1 ? walk.goBehind(2, Layer::ethernet) : Step::notTcp;
    case pppMultilink:
      // Only what is in one piece; sequence numbers of 24 bits (RFC 1990).
      if (!bytes.has(4)) return Step::malformed;
      return (bytes.u8(0) & 0xc0) == 0xc0 ? walk.goBehind(4, Layer::ppp) : Step::unsupported;
    case pppCompressedTcp:
    case pppUncompressedTcp:
      return Step::unsupported;
    default:
      return Step::notTcp;
  }
}

Step stepCiscoHdlc(Walk& walk) {
  if (!walk.bytes.has(4)) return Step::malformed;
  const uint16_t type = walk.bytes.be16(2);
  if (type == 0xfefe) return walk.goBehind(4, Layer::llc);
  return walk.goBehind(4, Layer::etherType, type);
}

Step stepPppoe(Walk& walk) {
  if (!walk.bytes.has(6)) return Step::malformed;
  if (walk.bytes.u8(0) != 0x11) return Step::malformed;
  if (walk.bytes.u8(1) != 0) return Step::notTcp;  // discovery
  const uint16_t length = walk.bytes.be16(4);
  walk.bytes.skip(6);
  if (length != 0) walk.bytes.limit(length);
  return walk.go(Layer::ppp);
}

Step stepFrameRelay(Walk& walk) {
  // Two to four bytes of address; the last one has its lowest bit set (Q.922).
  uint32_t address = 1;
  while (address <= 4 && walk.bytes.has(address) && (walk.bytes.u8(address - 1) & 1) == 0) ++address;
  if (address > 4 || !walk.bytes.has(address + 2)) return Step::malformed;
  walk.bytes.skip(address);
  if (walk.bytes.u8(0) == 0x03) {
    walk.bytes.skip(1);
    return stepNlpid(walk);
  }
  // Cisco's own encapsulation has an EtherType there.
  return walk.goBehind(2, Layer::etherType, walk.bytes.be16(0));
}

}  // namespace flowtap::decode
