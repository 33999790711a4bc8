// Tunnels in UDP. A port alone proves nothing, so each looks at its content too; what is not plausible is just UDP.
#include "decode/layers.h"
#include "decode/scope.h"

namespace flowtap::decode {
namespace {

enum Port : uint16_t {
  portL2tp = 1701,
  portGtpUser = 2152,
  portTeredo = 3544,
  portLisp = 4341,
  portGre = 4754,
  portVxlan = 4789,
  portVxlanGpe = 4790,
  portAyiya = 5072,
  portCapwapData = 5247,
  portGeneve = 6081,
  portMpls = 6635,
  portVxlanLinux = 8472,  // Linux before the port was assigned, and OTV, which looks the same
  portTzsp = 37008,
};

bool startsIpv4(const Reader& bytes, uint64_t offset) {
  return bytes.has(offset + 20) && bytes.u8(static_cast<uint32_t>(offset)) >> 4 == 4 &&
         (bytes.u8(static_cast<uint32_t>(offset)) & 0x0f) >= 5;
}

bool startsIpv6(const Reader& bytes, uint64_t offset) {
  return bytes.has(offset + 40) && bytes.u8(static_cast<uint32_t>(offset)) >> 4 == 6;
}

Step goIpBehind(Walk& walk, uint32_t header) {
  const bool plausible = startsIpv4(walk.bytes, header) || startsIpv6(walk.bytes, header);
  return plausible ? walk.goBehind(header, Layer::ip) : Step::notTcp;
}

// RFC 7348; the group policy extension sets another flag.
Step stepVxlan(Walk& walk) {
  constexpr uint8_t flagInstance = 0x08;
  constexpr uint8_t flagsReserved = 0x37;
  if (!walk.bytes.has(8 + 14)) return Step::notTcp;
  const uint8_t flags = walk.bytes.u8(0);
  if ((flags & flagInstance) == 0 || (flags & flagsReserved) != 0) return Step::notTcp;
  walk.scope = extendScope(walk.scope, ScopeKind::vni, walk.bytes.be24(4));
  return walk.goBehind(8, Layer::ethernet);
}

Step stepVxlanGpe(Walk& walk) {
  constexpr uint8_t flagInstance = 0x08;
  constexpr uint8_t flagProtocol = 0x04;
  if (!walk.bytes.has(8)) return Step::notTcp;
  const uint8_t flags = walk.bytes.u8(0);
  if ((flags & flagProtocol) == 0) return stepVxlan(walk);
  if ((flags & flagInstance) == 0) return Step::notTcp;
  const uint8_t next = walk.bytes.u8(3);
  const uint32_t scope = extendScope(walk.scope, ScopeKind::vni, walk.bytes.be24(4));
  static constexpr Layer layers[] = {Layer::ipv4, Layer::ipv6, Layer::ethernet, Layer::nsh, Layer::mpls};
  if (next < 1 || next > 5) return Step::notTcp;
  walk.scope = scope;
  return walk.goBehind(8, layers[next - 1]);
}

// RFC 8926.
Step stepGeneve(Walk& walk) {
  if (!walk.bytes.has(8)) return Step::notTcp;
  const uint8_t first = walk.bytes.u8(0);
  const uint16_t type = walk.bytes.be16(2);
  const uint32_t header = 8 + 4u * (first & 0x3f);
  const bool known = type == 0x6558 || type == 0x0800 || type == 0x86dd || type == 0x8847 || type == 0x894f;
  if (first >> 6 != 0 || !known || walk.bytes.u8(7) != 0 || !walk.bytes.has(header)) return Step::notTcp;
  walk.scope = extendScope(walk.scope, ScopeKind::vni, walk.bytes.be24(4));
  return walk.goBehind(header, Layer::etherType, type);
}

// 3GPP TS 29.281: version 1, a G-PDU.
Step stepGtpUser(Walk& walk) {
  constexpr uint8_t messageGpdu = 0xff;
  const Reader& bytes = walk.bytes;
  if (!bytes.has(8)) return Step::notTcp;
  const uint8_t flags = bytes.u8(0);
  if (flags >> 4 != 3 || bytes.u8(1) != messageGpdu || bytes.be16(2) + 8u > bytes.wireSize()) return Step::notTcp;
  uint32_t header = 8;
  if (flags & 0x07) {
    if (!bytes.has(12)) return Step::notTcp;
    header = 12;
    uint8_t next = flags & 0x04 ? bytes.u8(11) : 0;
    while (next != 0) {
      if (!bytes.has(header + 1)) return Step::notTcp;
      const uint32_t length = 4u * bytes.u8(header);
      if (length == 0 || !bytes.has(header + length)) return Step::notTcp;
      next = bytes.u8(header + length - 1);
      header += length;
    }
  }
  walk.bytes.limit(bytes.be16(2) + 8u);
  if (looksLikeEthernet(bytes, header) && !looksLikeIp(bytes, header)) return walk.goBehind(header, Layer::ethernet);
  return goIpBehind(walk, header);
}

// RFC 4380: authentication and origin indications may come before the IPv6 packet.
Step stepTeredo(Walk& walk) {
  const Reader& bytes = walk.bytes;
  uint32_t header = 0;
  if (bytes.has(4) && bytes.be16(0) == 0x0001) header = 13u + bytes.u8(2) + bytes.u8(3);
  if (bytes.has(header + 8) && bytes.be16(header) == 0x0000) header += 8;
  return startsIpv6(bytes, header) ? walk.goBehind(header, Layer::ipv6) : Step::notTcp;
}

// RFC 2661, 3.1: data messages.
Step stepL2tp(Walk& walk) {
  constexpr uint16_t flagControl = 0x8000;
  constexpr uint16_t flagLength = 0x4000;
  constexpr uint16_t flagSequence = 0x0800;
  constexpr uint16_t flagOffset = 0x0200;
  constexpr uint16_t reserved = 0x34f0;
  const Reader& bytes = walk.bytes;
  if (!bytes.has(6)) return Step::notTcp;
  const uint16_t flags = bytes.be16(0);
  if (flags & flagControl) return Step::notTcp;
  if (flags == 3) return bytes.has(8) && walk.bytes.skip(4) ? stepL2tpv3Session(walk) : Step::notTcp;
  if ((flags & 0x0f) != 2 || flags & reserved) return Step::notTcp;
  uint32_t header = 6 + (flags & flagLength ? 2 : 0) + (flags & flagSequence ? 4 : 0);
  if (flags & flagOffset) {
    if (!bytes.has(header + 2)) return Step::notTcp;
    header += 2u + bytes.be16(header);
  }
  if (flags & flagLength) {
    const uint16_t length = bytes.be16(2);
    if (length < header) return Step::notTcp;
    walk.bytes.limit(length);
  }
  return bytes.has(header + 1) ? walk.goBehind(header, Layer::ppp) : Step::notTcp;
}

// draft-massar-v6ops-ayiya: forwarded packets.
Step stepAyiya(Walk& walk) {
  constexpr uint8_t operationForward = 1;
  const Reader& bytes = walk.bytes;
  if (!bytes.has(8) || (bytes.u8(2) & 0x0f) != operationForward) return Step::notTcp;
  const uint8_t next = bytes.u8(3);
  const uint32_t header = 8 + (1u << (bytes.u8(0) >> 4)) + 4u * (bytes.u8(1) >> 4);
  if (next == 41 && startsIpv6(bytes, header)) return walk.goBehind(header, Layer::ipv6);
  if (next == 4 && startsIpv4(bytes, header)) return walk.goBehind(header, Layer::ipv4);
  return Step::notTcp;
}

// RFC 5415: unencrypted data, in one piece.
Step stepCapwap(Walk& walk) {
  constexpr uint8_t wirelessBinding = 1;
  const Reader& bytes = walk.bytes;
  if (!bytes.has(8) || bytes.u8(0) != 0) return Step::notTcp;
  const uint32_t header = 4u * (bytes.u8(1) >> 3);
  const bool native = bytes.u8(2) & 0x01;
  const uint8_t flags = bytes.u8(3);
  if (header < 8 || !bytes.has(header) || flags & 0x08) return Step::notTcp;  // keep-alive
  if (flags & 0x80) return Step::unsupported;                                 // fragment
  if (!native) return walk.goBehind(header, Layer::ethernet);
  if ((bytes.u8(2) >> 1 & 0x1f) != wirelessBinding) return Step::notTcp;
  walk.controlSwapped = bytes.has(header + 2) && (bytes.u8(header) & 0x0f) != 0x08;
  return walk.goBehind(header, Layer::wlan);
}

// TaZmen sniffer protocol: tagged fields, then the captured frame.
Step stepTzsp(Walk& walk) {
  const Reader& bytes = walk.bytes;
  if (!bytes.has(5) || bytes.u8(0) != 1 || bytes.u8(1) > 1) return Step::notTcp;
  const uint16_t encapsulated = bytes.be16(2);
  uint32_t at = 4;
  while (bytes.has(at + 1) && bytes.u8(at) != 1) {
    if (bytes.u8(at) == 0) {
      ++at;
      continue;
    }
    if (!bytes.has(at + 2)) return Step::notTcp;
    at += 2u + bytes.u8(at + 1);
  }
  if (!bytes.has(at + 1)) return Step::notTcp;
  walk.mirrored = true;
  if (encapsulated == 1) return walk.goBehind(at + 1, Layer::ethernet);
  return encapsulated == 18 ? walk.goBehind(at + 1, Layer::wlan) : Step::notTcp;
}

// RFC 8086: no routing, no reserved bits, version 0.
Step stepGreInUdp(Walk& walk) {
  constexpr uint16_t unused = 0x4fff;
  return walk.bytes.has(4) && (walk.bytes.be16(0) & unused) == 0 ? stepGre(walk) : Step::notTcp;
}

Step stepPort(Walk& walk, uint16_t port) {
  switch (port) {
    case portL2tp:
      return stepL2tp(walk);
    case portGtpUser:
      return stepGtpUser(walk);
    case portTeredo:
      return stepTeredo(walk);
    case portLisp:
      return goIpBehind(walk, 8);
    case portGre:
      return stepGreInUdp(walk);
    case portVxlan:
    case portVxlanLinux:
      return stepVxlan(walk);
    case portVxlanGpe:
      return stepVxlanGpe(walk);
    case portAyiya:
      return stepAyiya(walk);
    case portCapwapData:
      return stepCapwap(walk);
    case portGeneve:
      return stepGeneve(walk);
    case portMpls:
      return stepMpls(walk);
    case portTzsp:
      return stepTzsp(walk);
    default:
      return Step::notTcp;
  }
}

}  // namespace

Step stepUdp(Walk& walk) {
  if (!walk.bytes.has(8)) return Step::malformed;
  const uint16_t source = walk.bytes.be16(0);
  const uint16_t destination = walk.bytes.be16(2);
  const uint16_t length = walk.bytes.be16(4);
  if (length != 0) {  // 0 in jumbograms and offloaded segments
    if (length < 8) return Step::notTcp;
    walk.bytes.limit(length);
  }
  walk.bytes.skip(8);
  const Reader content = walk.bytes;
  const Step step = stepPort(walk, destination);
  if (step != Step::notTcp && step != Step::malformed) return step;
  walk.bytes = content;
  const Step other = stepPort(walk, source);
  return other == Step::malformed ? Step::notTcp : other;
}

Step stepL2tpv3Session(Walk& walk) {
  if (!walk.bytes.has(4)) return Step::malformed;
  const uint32_t session = walk.bytes.be32(0);
  if (session == 0) return Step::notTcp;  // control
  walk.bytes.skip(4);
  // Neither the length of the cookie nor the sublayer is in the packet.
  for (uint32_t offset = 0; offset <= 12; offset += 4) {
    if (looksLikeEthernet(walk.bytes, offset)) return walk.goBehind(offset, Layer::ethernet);
    if (walk.bytes.has(offset + 4) && walk.bytes.be24(offset) == 0xff0300) return walk.goBehind(offset, Layer::ppp);
  }
  return Step::notTcp;
}

}  // namespace flowtap::decode
