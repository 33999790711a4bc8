// IPv4 (RFC 791) and IPv6 (RFC 8200) headers.
#include "decode/checksum.h"
#include "decode/fragment_table.h"
#include "decode/ip_protocol.h"
#include "decode/layers.h"

namespace flowtap::decode {
namespace {

// Without a length (segmentation offload, BIG TCP) the layer reaches to the end of the packet. The packet's own wire
// length is believed up to what the kernel can make of one segment.
void claimUnknownLength(Reader& bytes) {
  constexpr uint32_t longestSegment = 1u << 20;
  if (bytes.wireSize() > longestSegment) bytes.claim(bytes.size());
}

// The header's length wins over the capture's: cloud mirrors cut packets and hide it.
void claimLength(Walk& walk, uint32_t length) {
  if (length > walk.bytes.wireSize()) walk.cut = true;
  walk.bytes.claim(length);
}

// Keeps a fragment, or goes on with the datagram that it completed.
Step addFragment(Walk& walk, FragmentKey key, const Fragment& fragment) {
  key.source = walk.source;
  key.destination = walk.destination;
  key.scope = walk.scope;
  key.ipVersion = walk.ipVersion;
  Datagram datagram;
  if (!walk.fragments.add(key, fragment, walk.segment.timestampNs, datagram)) return Step::fragment;
  walk.bytes = Reader(datagram.data, datagram.length, 0);
  return walk.go(Layer::ipProtocol, datagram.protocol);
}

// The length that the jumbo payload option gives (RFC 2675), 0 without one. `walk.bytes` is at the hop-by-hop header.
uint32_t findJumboLength(const Reader& bytes) {
  constexpr uint8_t optionPad1 = 0x00;
  constexpr uint8_t optionJumbo = 0xc2;
  if (!bytes.has(8)) return 0;
  const uint32_t end = 8 + 8u * bytes.u8(1);
  if (!bytes.has(end)) return 0;
  for (uint32_t at = 2; at + 1 < end;) {
    const uint8_t option = bytes.u8(at);
    if (option == optionPad1) {
      ++at;
      continue;
    }
    const uint8_t length = bytes.u8(at + 1);
    if (option == optionJumbo && length == 4 && at + 6 <= end) return bytes.be32(at + 2);
    at += 2u + length;
  }
  return 0;
}

}  // namespace

Step stepIp(Walk& walk) {
  if (!walk.bytes.has(1)) return Step::malformed;
  switch (walk.bytes.u8(0) >> 4) {
    case 4:
      return walk.go(Layer::ipv4);
    case 6:
      return walk.go(Layer::ipv6);
    default:
      return Step::malformed;
  }
}

Step stepIpv4(Walk& walk) {
  constexpr uint16_t moreFragments = 0x2000;
  Reader& bytes = walk.bytes;
  if (!bytes.has(20)) return Step::malformed;
  const uint32_t header = 4u * (bytes.u8(0) & 0x0f);
  if (bytes.u8(0) >> 4 != 4 || header < 20 || !bytes.has(header)) return Step::malformed;
  const uint16_t total = bytes.be16(2);
  if (total == 0) {
    claimUnknownLength(bytes);
  } else {
    if (total < header) return Step::malformed;
    claimLength(walk, total);
  }
  if (walk.options.verifyChecksums && !checksumHolds(bytes.data(), header)) {
    ++walk.stats.decode_badChecksums;
    return Step::malformed;
  }
  const uint16_t identification = bytes.be16(4);
  const uint16_t flagsAndOffset = bytes.be16(6);
  const uint8_t protocol = bytes.u8(9);
  walk.ipVersion = 4;
  walk.routed = false;
  walk.source = Address::fromV4(bytes.data() + 12);
  walk.destination = Address::fromV4(bytes.data() + 16);
  bytes.skip(header);

  const bool more = flagsAndOffset & moreFragments;
  const uint32_t offset = 8u * (flagsAndOffset & 0x1fff);
  if (!more && offset == 0) return walk.go(Layer::ipProtocol, protocol);
  if (!mayCarryTcp(protocol, 4)) return Step::notTcp;
  FragmentKey key = {};
  key.identification = identification;
  key.protocol = protocol;
  return addFragment(walk, key, {bytes.data(), bytes.size(), bytes.beyond(), offset, more, protocol});
}

Step stepIpv6(Walk& walk) {
  Reader& bytes = walk.bytes;
  if (!bytes.has(40) || bytes.u8(0) >> 4 != 6) return Step::malformed;
  const uint16_t length = bytes.be16(4);
  const uint8_t next = bytes.u8(6);
  walk.ipVersion = 6;
  walk.routed = false;
  walk.source = Address::fromV6(bytes.data() + 8);
  walk.destination = Address::fromV6(bytes.data() + 24);
  if (length != 0) {
    claimLength(walk, 40u + length);
    bytes.skip(40);
    return walk.go(Layer::ipProtocol, next);
  }
  bytes.skip(40);
  const uint32_t jumbo = next == protocolHopByHop ? findJumboLength(bytes) : 0;
  if (jumbo == 0) {
    claimUnknownLength(bytes);
  } else {
    if (jumbo > bytes.wireSize()) return Step::malformed;
    bytes.limit(jumbo);
  }
  return walk.go(Layer::ipProtocol, next);
}

Step stepIpv6Extension(Walk& walk) {
  Reader& bytes = walk.bytes;
  if (!bytes.has(8)) return Step::malformed;
  const uint8_t next = bytes.u8(0);
  if (walk.type == protocolFragment) {
    const uint16_t offsetAndFlags = bytes.be16(2);
    FragmentKey key = {};
    key.identification = bytes.be32(4);
    bytes.skip(8);
    const uint32_t offset = offsetAndFlags & 0xfff8;
    const bool more = offsetAndFlags & 1;
    if (offset == 0 && !more) return walk.go(Layer::ipProtocol, next);  // RFC 6946
    return addFragment(walk, key, {bytes.data(), bytes.size(), bytes.beyond(), offset, more, next});
  }
  if (walk.type == protocolRouting && bytes.u8(3) != 0) walk.routed = true;
  return walk.goBehind(8 + 8u * bytes.u8(1), Layer::ipProtocol, next);
}

}  // namespace flowtap::decode
