// IPv4, IPv6 and TCP headers.
#include "test/decode_case.h"

using namespace flowtap;
using namespace flowtap::test;
using decode::DecodeResult;

namespace {

const std::string text = "GET / HTTP/1.1\r\n\r\n";
const Bytes segment = tcp(text);

decode::DecodeOptions verifying() {
  decode::DecodeOptions options;
  options.verifyChecksums = true;
  return options;
}

Bytes extension(uint8_t next, const Bytes& rest) { return join({{next, 0, 1, 4, 0, 0, 0, 0}, rest}); }

// ipv6() fills in checksums of plain TCP only.
Bytes checkedSegment() {
  const Bytes packet = ipv6(6, segment);
  return slice(packet, 40, packet.size() - 40);
}

}  // namespace

TEST_CASE("decode: IPv4 and TCP options") {
  Ipv4Fields ip;
  ip.options = {7, 7, 4, 0, 0, 0, 0, 0};
  TcpFields fields;
  fields.options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
  checkPacket(ethernet(0x0800, ipv4(6, segment, ip)), 1, text);
  checkPacket(ethernet(0x0800, ipv4(6, tcp(text, fields))), 1, text);
  checkPacket(ethernet(0x0800, ipv4(6, tcp(text, fields), ip)), 1, text);
}

TEST_CASE("decode: a total length of 0 means the rest of the packet") {
  Ipv4Fields ip;
  ip.totalLength = 0;
  const std::string large(60000, 'x');
  Decoding decoding;
  REQUIRE(decoding.decode(ethernet(0x0800, ipv4(6, tcp(large), ip))) == DecodeResult::segment);
  CHECK(decoding.payload() == large);
  REQUIRE(decoding.decode(ethernet(0x0800, ipv4(6, tcp(large), ip)), 1, 1000) == DecodeResult::segment);
  CHECK(decoding.segment.payloadLength == 1000 - 54);
  CHECK(decoding.segment.truncatedLength == large.size() - (1000 - 54));
  // Nobody's segment has 4 GiB: the file lies.
  REQUIRE(decoding.decode(ethernet(0x0800, ipv4(6, tcp(large), ip)), 1, SIZE_MAX, 0, 0xffffffff) ==
          DecodeResult::segment);
  CHECK(decoding.segment.truncatedLength == 0);

  Ipv6Fields ip6;
  ip6.payloadLength = 0;
  REQUIRE(decoding.decode(ethernet(0x86dd, ipv6(6, tcp(large), ip6))) == DecodeResult::segment);
  CHECK(decoding.payload() == large);
}

TEST_CASE("decode: the total length cuts off padding and frame check") {
  Decoding decoding;
  REQUIRE(decoding.decode(join({ethernet(0x0800, ipv4(6, tcp(""))), zeros(6)})) == DecodeResult::segment);
  CHECK(decoding.segment.payloadLength == 0);
  REQUIRE(decoding.decode(join({ethernet(0x86dd, ipv6(6, tcp("x"))), zeros(4)})) == DecodeResult::segment);
  CHECK(decoding.segment.payloadLength == 1);
}

TEST_CASE("decode: a snap length leaves the rest of the payload as truncated") {
  const Bytes packet = ethernet(0x0800, ipv4(6, segment));
  Decoding decoding;
  REQUIRE(decoding.decode(packet, 1, packet.size() - 5) == DecodeResult::segment);
  CHECK(decoding.payload() == text.substr(0, text.size() - 5));
  CHECK(decoding.segment.truncatedLength == 5);
  CHECK(decoding.stats.packets_truncated == 1);
  // Cut within the padding: nothing of the payload is missing.
  REQUIRE(decoding.decode(join({packet, zeros(6)}), 1, packet.size() + 2) == DecodeResult::segment);
  CHECK(decoding.segment.truncatedLength == 0);
  CHECK(decoding.stats.packets_truncated == 2);
  // The TCP header without all of its options is enough.
  TcpFields fields;
  fields.options = zeros(40);
  REQUIRE(decoding.decode(ethernet(0x0800, ipv4(6, tcp(text, fields))), 1, 68) == DecodeResult::segment);
  CHECK(decoding.segment.payloadLength == 0);
  CHECK(decoding.segment.truncatedLength == text.size());
  CHECK(decoding.decode(packet, 1, 14 + 20 + 19) == DecodeResult::malformed);
}

TEST_CASE("decode: IPv6 extension headers") {
  const Bytes checked = checkedSegment();
  Ipv6Fields zeroLength;
  zeroLength.payloadLength = 0;
  const Bytes jumbo = join({{6, 0, 0xc2, 4}, be32(static_cast<uint32_t>(checked.size() + 8)), checked});
  const Bytes authentication = join({{6, 4}, zeros(22), checked});
  checkPacket(ethernet(0x86dd, ipv6(0, extension(6, checked))), 1, text);
  checkPacket(ethernet(0x86dd, ipv6(0, extension(43, extension(60, extension(6, checked))))), 1, text);
  checkPacket(ethernet(0x86dd, ipv6(44, ipv6FragmentHeader(6, 0, false, 1, checked))), 1, text);
  checkPacket(ethernet(0x86dd, ipv6(51, authentication)), 1, text);
  checkPacket(ethernet(0x86dd, ipv6(60, join({{6, 1}, zeros(14), checked}))), 1, text);

  Decoding decoding;
  REQUIRE(decoding.decode(join({ethernet(0x86dd, ipv6(0, jumbo, zeroLength)), zeros(4)})) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
  CHECK(decoding.decode(ethernet(0x86dd, ipv6(59, checked))) == DecodeResult::notTcp);
  CHECK(decoding.decode(ethernet(0x86dd, ipv6(50, checked))) == DecodeResult::notTcp);
  // Extension headers belong to IPv6.
  CHECK(decoding.decode(ethernet(0x0800, ipv4(60, extension(6, checked)))) == DecodeResult::notTcp);
}

TEST_CASE("decode: lengths that contradict each other") {
  Decoding decoding;
  Ipv4Fields ip;
  ip.totalLength = 19;
  CHECK(decoding.decode(ethernet(0x0800, ipv4(6, segment, ip))) == DecodeResult::malformed);
  ip.totalLength = 39;
  CHECK(decoding.decode(ethernet(0x0800, ipv4(6, segment, ip))) == DecodeResult::malformed);
  Bytes headerTooShort = ethernet(0x0800, ipv4(6, segment));
  headerTooShort[14] = 0x44;
  CHECK(decoding.decode(headerTooShort) == DecodeResult::malformed);
  Bytes offsetTooShort = ethernet(0x0800, ipv4(6, segment));
  offsetTooShort[14 + 20 + 12] = 0x40;
  CHECK(decoding.decode(offsetTooShort) == DecodeResult::malformed);
  Bytes offsetTooLong = ethernet(0x0800, ipv4(6, tcp("")));
  offsetTooLong[14 + 20 + 12] = 0x60;
  CHECK(decoding.decode(offsetTooLong) == DecodeResult::malformed);
  Ipv6Fields ip6;
  ip6.payloadLength = 19;
  CHECK(decoding.decode(ethernet(0x86dd, ipv6(6, segment, ip6))) == DecodeResult::malformed);
  Bytes hugeJumbo = join({{6, 0, 0xc2, 4}, be32(0x7fffffff), segment});
  ip6.payloadLength = 0;
  CHECK(decoding.decode(ethernet(0x86dd, ipv6(0, hugeJumbo, ip6))) == DecodeResult::malformed);
  CHECK(decoding.stats.packets_malformed == 7);
  CHECK(decoding.balanced());
}

TEST_CASE("decode: an IP length beyond the packet counts as cut") {
  Ipv4Fields ip;
  ip.totalLength = static_cast<int>(40 + text.size() + 7);
  Decoding decoding;
  REQUIRE(decoding.decode(ethernet(0x0800, ipv4(6, segment, ip))) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
  CHECK(decoding.segment.truncatedLength == 7);
  CHECK(decoding.stats.packets_truncated == 1);
}

TEST_CASE("decode: data on a SYN") {
  TcpFields fields;
  fields.controlBits = 0x02;
  fields.options = {34, 2, 1, 1};
  Decoding decoding;
  REQUIRE(decoding.decode(ethernet(0x0800, ipv4(6, tcp(text, fields)))) == DecodeResult::segment);
  CHECK(decoding.segment.controlBits == decode::control::syn);
  CHECK(decoding.payload() == text);
}

TEST_CASE("decode: checksums are verified on request") {
  Bytes badTcp = ethernet(0x0800, ipv4(6, segment));
  badTcp.back() ^= 1;
  Bytes badIp = ethernet(0x0800, ipv4(6, segment));
  badIp[14 + 8] ^= 1;
  Bytes bad6 = ethernet(0x86dd, ipv6(6, segment));
  bad6.back() ^= 1;
  for (const Bytes& bytes : {badTcp, badIp, bad6}) {
    Decoding lenient;
    CHECK(lenient.decode(bytes) == DecodeResult::segment);
    Decoding strict(verifying());
    CHECK(strict.decode(bytes) == DecodeResult::malformed);
    CHECK(strict.stats.decode_badChecksums == 1);
    CHECK(strict.stats.packets_malformed == 1);
  }
  // Without the end of the segment there is nothing to verify.
  Decoding cut(verifying());
  CHECK(cut.decode(badTcp, 1, badTcp.size() - 1) == DecodeResult::segment);
  // Nor before the last hop of a source route, whose destination the checksum covers.
  Bytes routed = ipv6(43, join({{6, 0, 0, 1, 0, 0, 0, 0}, checkedSegment()}));
  routed[39] ^= 1;
  Decoding route(verifying());
  CHECK(route.decode(ethernet(0x86dd, routed)) == DecodeResult::segment);
  CHECK(route.stats.decode_badChecksums == 0);
}
