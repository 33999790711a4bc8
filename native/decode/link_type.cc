// From the LINKTYPE of a capture to its first layer (https://www.tcpdump.org/linktypes.html).
#include "decode/layers.h"

namespace flowtap::decode {
namespace {

enum LinkType : uint32_t {
  linkNull = 0,
  linkEthernet = 1,
  linkTokenRing = 6,
  linkArcnetBsd = 7,
  linkSlip = 8,
  linkPpp = 9,
  linkFddi = 10,
  dltRaw = 12,         // what DLT_RAW is on most systems; some writers forget to map it
  dltRawOpenBsd = 14,  // and on OpenBSD
  linkPppHdlc = 50,
  linkPppEther = 51,
  linkAtmRfc1483 = 100,
  linkRaw = 101,
  linkCiscoHdlc = 104,
  linkWlan = 105,
  linkAtmClip = 106,
  linkFrameRelay = 107,
  linkLoop = 108,
  linkEnc = 109,
  linkLinuxSll = 113,
  linkPflog = 117,
  linkPrism = 119,
  linkIpOverFc = 122,
  linkSunAtm = 123,
  linkRadiotap = 127,
  linkArcnetLinux = 129,
  linkAppleIpOverIeee1394 = 138,
  linkAvs = 163,
  linkPpi = 192,
  linkPppWithDirection = 204,
  linkCiscoHdlcWithDirection = 205,
  linkFrameRelayWithDirection = 206,
  linkMpls = 219,
  linkIpv4 = 228,
  linkIpv6 = 229,
  linkNflog = 239,
  linkNetAnalyzer = 240,
  linkPktap = 258,
  linkLinuxSll2 = 276,
};

// The address families of IPv6 differ from system to system: Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin.
Step goFamily(Walk& walk, uint32_t family) {
  switch (family) {
    case 2:
      return walk.go(Layer::ipv4);
    case 10:
    case 23:
    case 24:
    case 28:
    case 30:
      return walk.go(Layer::ipv6);
    default:
      return Step::notTcp;
  }
}

// Four bytes of address family in the byte order of the host that captured.
Step stepNull(Walk& walk) {
  if (!walk.bytes.has(4)) return Step::malformed;
  uint32_t family = walk.bytes.be32(0);
  if (family > 0xffff) family = walk.bytes.le32(0);
  walk.bytes.skip(4);
  return goFamily(walk, family);
}

// Linux cooked capture. The protocol is an EtherType, or a number below that range for other kinds of frames.
Step goCooked(Walk& walk, uint32_t header, uint16_t hardware, uint16_t protocol) {
  constexpr uint16_t hardwareRadiotap = 803;
  constexpr uint16_t hardwareNetlink = 824;
  if (!walk.bytes.skip(header)) return Step::malformed;
  if (hardware == hardwareNetlink) return Step::notTcp;
  if (hardware == hardwareRadiotap) return walk.go(Layer::radiotap);
  if (protocol == 0x0004) return walk.go(Layer::llc);
  return walk.go(Layer::etherType, protocol);
}

Step stepLinuxSll(Walk& walk) {
  if (!walk.bytes.has(16)) return Step::malformed;
  return goCooked(walk, 16, walk.bytes.be16(2), walk.bytes.be16(14));
}

Step stepLinuxSll2(Walk& walk) {
  if (!walk.bytes.has(20)) return Step::malformed;
  return goCooked(walk, 20, walk.bytes.be16(8), walk.bytes.be16(0));
}

Step stepArcnet(Walk& walk, uint32_t typeOffset) {
  constexpr uint8_t arcnetIpRfc1201 = 0xd4;
  constexpr uint8_t arcnetIpRfc1051 = 0xf0;
  constexpr uint8_t arcnetIpv6 = 0xc4;
  if (!walk.bytes.has(typeOffset + 1)) return Step::malformed;
  const uint8_t type = walk.bytes.u8(typeOffset);
  walk.bytes.skip(typeOffset + 1);
  if (type == arcnetIpRfc1051) return walk.go(Layer::ip);
  if (type != arcnetIpRfc1201 && type != arcnetIpv6) return Step::notTcp;
  // RFC 1201: a split flag and a sequence number; an exception frame (0xff) repeats the header.
  if (!walk.bytes.has(3)) return Step::malformed;
  if (walk.bytes.u8(0) == 0xff && !walk.bytes.skip(4)) return Step::malformed;
  if (!walk.bytes.has(3)) return Step::malformed;
  if (walk.bytes.u8(0) != 0) return Step::unsupported;
  return walk.goBehind(3, Layer::ip);
}

Step stepTokenRing(Walk& walk) {
  if (!walk.bytes.has(14)) return Step::malformed;
  if ((walk.bytes.u8(1) & 0xc0) != 0x40) return Step::notTcp;  // not an LLC frame
  uint32_t header = 14;
  if (walk.bytes.u8(8) & 0x80) {  // source routing
    if (!walk.bytes.has(15)) return Step::malformed;
    header += walk.bytes.u8(14) & 0x1f;
  }
  return walk.goBehind(header, Layer::llc);
}

Step stepFddi(Walk& walk) {
  if (!walk.bytes.has(13)) return Step::malformed;
  if ((walk.bytes.u8(0) & 0x70) != 0x50) return Step::notTcp;  // not an asynchronous LLC frame
  return walk.goBehind(13, Layer::llc);
}

Step stepSunAtm(Walk& walk) {
  if (!walk.bytes.has(4)) return Step::malformed;
  return (walk.bytes.u8(0) & 0x0f) == 2 ? walk.goBehind(4, Layer::llc) : Step::notTcp;
}

// The Prism header, or the AVS header that came after it under the same link type.
Step stepPrism(Walk& walk) {
  constexpr uint32_t avsCookie = 0x80211000;
  if (!walk.bytes.has(8)) return Step::malformed;
  if ((walk.bytes.be32(0) & 0xfffff000) == avsCookie) return walk.goBehind(walk.bytes.be32(4), Layer::wlan);
  return walk.goBehind(144, Layer::wlan);
}

Step stepAvs(Walk& walk) {
  if (!walk.bytes.has(8)) return Step::malformed;
  return walk.goBehind(walk.bytes.be32(4), Layer::wlan);
}

Step stepPpi(Walk& walk) {
  if (!walk.bytes.has(8)) return Step::malformed;
  const uint16_t header = walk.bytes.le16(2);
  if (header < 8) return Step::malformed;
  return walk.goBehind(header, Layer::link, walk.bytes.le32(4));
}

Step stepPktap(Walk& walk) {
  if (!walk.bytes.has(12)) return Step::malformed;
  const uint32_t header = walk.bytes.le32(0);
  const uint32_t record = walk.bytes.le32(4);
  const uint32_t inner = walk.bytes.le32(8);
  if (header < 12) return Step::malformed;
  return record == 1 ? walk.goBehind(header, Layer::link, inner) : Step::notTcp;
}

Step stepPflog(Walk& walk) {
  if (!walk.bytes.has(2)) return Step::malformed;
  const uint32_t header = (walk.bytes.u8(0) + 3u) & ~3u;
  const uint8_t family = walk.bytes.u8(1);
  if (header < 4 || !walk.bytes.skip(header)) return Step::malformed;
  return goFamily(walk, family);
}

// IPsec on OpenBSD: family, SPI, flags, in the byte order of the host.
Step stepEnc(Walk& walk) {
  if (!walk.bytes.has(12)) return Step::malformed;
  uint32_t family = walk.bytes.be32(0);
  if (family > 0xffff) family = walk.bytes.le32(0);
  walk.bytes.skip(12);
  return goFamily(walk, family);
}

// Family, version, resource id, then type-length-value attributes in the byte order of the host, padded to four bytes.
Step stepNflog(Walk& walk) {
  constexpr uint16_t attributePayload = 9;
  if (!walk.bytes.has(4)) return Step::malformed;
  const uint8_t family = walk.bytes.u8(0);
  walk.bytes.skip(4);
  while (walk.bytes.has(4)) {
    uint16_t length = walk.bytes.le16(0);
    uint16_t type = walk.bytes.le16(2) & 0x3fff;
    // The type of a big-endian host has its low byte, which is never 0, in the other place; NFULA types stay below 256.
    if ((walk.bytes.le16(2) & 0xff) == 0) {
      length = walk.bytes.be16(0);
      type = walk.bytes.be16(2) & 0x3fff;
    }
    if (length < 4) return Step::malformed;
    if (type == attributePayload) {
      walk.bytes.limit(length);
      walk.bytes.skip(4);
      return family == 2 || family == 10 ? walk.go(Layer::ip) : Step::notTcp;
    }
    if (!walk.bytes.skip((length + 3u) & ~3u)) break;
  }
  return Step::notTcp;
}

// PPP in HDLC-like framing, or Cisco HDLC: the address tells.
Step stepPppOrCisco(Walk& walk) {
  if (!walk.bytes.has(2)) return Step::malformed;
  const uint8_t address = walk.bytes.u8(0);
  return (address == 0x0f || address == 0x8f) && walk.bytes.u8(1) == 0 ? stepCiscoHdlc(walk) : walk.go(Layer::ppp);
}

}  // namespace

Step stepLink(Walk& walk) {
  switch (walk.type) {
    case linkNull:
    case linkLoop:
      return stepNull(walk);
    case linkEthernet:
      return walk.go(Layer::ethernet);
    case linkTokenRing:
      return stepTokenRing(walk);
    case linkArcnetBsd:
      return stepArcnet(walk, 2);
    case linkArcnetLinux:
      return stepArcnet(walk, 4);
    case linkSlip:
      return walk.goBehind(16, Layer::ip);
    case linkPpp:
    case linkPppHdlc:
      return stepPppOrCisco(walk);
    case linkFddi:
      return stepFddi(walk);
    case linkRaw:
    case dltRaw:
    case dltRawOpenBsd:
      return walk.go(Layer::ip);
    case linkPppEther:
      return stepPppoe(walk);
    case linkAtmRfc1483:
    case linkAtmClip:
      return walk.go(Layer::llc);
    case linkCiscoHdlc:
      return stepCiscoHdlc(walk);
    case linkWlan:
      return walk.go(Layer::wlan);
    case linkFrameRelay:
      return stepFrameRelay(walk);
    case linkEnc:
      return stepEnc(walk);
    case linkLinuxSll:
      return stepLinuxSll(walk);
    case linkPflog:
      return stepPflog(walk);
    case linkPrism:
      return stepPrism(walk);
    case linkIpOverFc:
      return walk.goBehind(16, Layer::llc);
    case linkSunAtm:
      return stepSunAtm(walk);
    case linkRadiotap:
      return walk.go(Layer::radiotap);
    case linkAppleIpOverIeee1394:
      return walk.bytes.has(18) ? walk.goBehind(18, Layer::etherType, walk.bytes.be16(16)) : Step::malformed;
    case linkAvs:
      return stepAvs(walk);
    case linkPpi:
      return stepPpi(walk);
    case linkPppWithDirection:
      if (!walk.bytes.skip(1)) return Step::malformed;
      return stepPppOrCisco(walk);
    case linkCiscoHdlcWithDirection:
      return walk.bytes.skip(1) ? stepCiscoHdlc(walk) : Step::malformed;
    case linkFrameRelayWithDirection:
      return walk.bytes.skip(1) ? stepFrameRelay(walk) : Step::malformed;
    case linkMpls:
      return walk.go(Layer::mpls);
    case linkIpv4:
      return walk.go(Layer::ipv4);
    case linkIpv6:
      return walk.go(Layer::ipv6);
    case linkNflog:
      return stepNflog(walk);
    case linkNetAnalyzer:
      return walk.goBehind(4, Layer::ethernet);
    case linkPktap:
      return stepPktap(walk);
    case linkLinuxSll2:
      return stepLinuxSll2(walk);
    default:
      walk.strange = true;
      return Step::unsupported;
  }
}

}  // namespace flowtap::decode
