// Encapsulations in IP and UDP.
#include "test/decode_case.h"

using namespace flowtap;
using namespace flowtap::test;
using decode::DecodeResult;

namespace {

const std::string text = "GET / HTTP/1.1\r\n\r\n";

Bytes innerV4(bool back = false) {
  Ipv4Fields fields;
  fields.source = {10, 0, 0, 1};
  fields.destination = {10, 0, 0, 2};
  if (back) std::swap(fields.source, fields.destination);
  return ipv4(6, tcp(text), fields);
}

const Bytes inner4 = innerV4();
const Bytes inner6 = ipv6(6, tcp(text));
const Bytes innerEthernet = ethernet(0x0800, inner4);
const Bytes ppp = join({{0xff, 0x03, 0x00, 0x21}, inner4});

Bytes overUdp(uint16_t port, const Bytes& content) { return ethernet(0x0800, ipv4(17, udp(54321, port, content))); }

Bytes gre(uint16_t flags, uint16_t protocol, const Bytes& content) {
  return ethernet(0x0800, ipv4(47, join({be16(flags), be16(protocol), content})));
}

Bytes vxlan(uint32_t vni) { return join({{0x08, 0, 0, 0}, be24(vni), {0}, innerEthernet}); }

Bytes geneve(uint32_t vni) { return join({{0x02, 0, 0x65, 0x58}, be24(vni), {0}, zeros(8), innerEthernet}); }

Bytes gtp(uint8_t flags, const Bytes& content) {
  return join({{flags, 0xff}, be16(static_cast<uint32_t>(content.size())), be32(99), content});
}

uint32_t scopeOf(const Bytes& bytes) {
  Decoding decoding;
  REQUIRE(decoding.decode(bytes) == DecodeResult::segment);
  return decoding.segment.scope;
}

}  // namespace

TEST_CASE("decode: tunnels in IP") {
  struct Case {
    std::string name;
    Bytes bytes;
  };
  const Bytes sequence = be32(1);
  const Bytes erspan2 = join({{0x10, 0x64, 0, 1}, be32(0)});
  const Bytes erspan3 = join({{0x20, 0x64, 0, 1}, be32(0), {0, 0, 0, 0}});
  const Bytes erspan3Sub = join({{0x20, 0x64, 0, 1}, be32(0), {0, 0, 0, 1}, zeros(8)});
  const Bytes erspan3Ip = join({{0x20, 0x64, 0, 1}, be32(0), {0, 0, 0x08, 0}});
  const Bytes pptp = join({be16(static_cast<uint32_t>(ppp.size())), be16(7), be32(1), be32(2), ppp});
  const Bytes wlan = join({{0x88, 0x01}, zeros(22), {0, 0}, snap(0x0800, inner4)});
  const Bytes authentication = join({{6, 4}, zeros(22), slice(inner4, 20, inner4.size() - 20)});
  Ipv4Fields addresses;
  addresses.source = {10, 0, 0, 1};
  addresses.destination = {10, 0, 0, 2};
  const Case cases[] = {
      {"IP in IP", ethernet(0x0800, ipv4(4, inner4))},
      {"IP in IP, protocol 94", ethernet(0x0800, ipv4(94, inner4))},
      {"6in4", ethernet(0x0800, ipv4(41, inner6))},
      {"4in6", ethernet(0x86dd, ipv6(4, inner4))},
      {"6in6", ethernet(0x86dd, ipv6(41, inner6))},
      {"IP in IP in IP", ethernet(0x0800, ipv4(4, ipv4(41, ipv6(4, inner4))))},
      {"authentication header", ethernet(0x0800, ipv4(51, authentication, addresses))},
      {"authentication header of a tunnel", ethernet(0x0800, ipv4(51, join({{4, 4}, zeros(22), inner4})))},
      {"EtherIP", ethernet(0x0800, ipv4(97, join({{0x30, 0}, innerEthernet})))},
      {"MPLS", ethernet(0x0800, ipv4(137, join({{0, 0x10, 0x01, 0x40}, inner4})))},
      {"Ethernet in IPv6", ethernet(0x86dd, ipv6(143, innerEthernet))},
      {"L2TPv3", ethernet(0x0800, ipv4(115, join({be32(5), innerEthernet})))},
      {"L2TPv3 with cookie and sublayer", ethernet(0x0800, ipv4(115, join({be32(5), zeros(12), innerEthernet})))},
      {"L2TPv3 with PPP", ethernet(0x0800, ipv4(115, join({be32(5), ppp})))},
      {"GRE", gre(0, 0x0800, inner4)},
      {"GRE with IPv6", gre(0, 0x86dd, inner6)},
      {"GRE with checksum, key and sequence", gre(0xb000, 0x0800, join({zeros(12), inner4}))},
      {"GRE with routing", gre(0x4000, 0x0800, join({zeros(4), {0x08, 0, 0, 4, 1, 2, 3, 4}, zeros(4), inner4}))},
      {"GRE with Ethernet", gre(0x2000, 0x6558, join({be32(0x100), innerEthernet}))},
      {"GRE with MPLS", gre(0, 0x8847, join({{0, 0x10, 0x01, 0x40}, inner4}))},
      {"ERSPAN I", gre(0, 0x88be, innerEthernet)},
      {"ERSPAN II", gre(0x1000, 0x88be, join({sequence, erspan2, innerEthernet}))},
      {"ERSPAN III", gre(0x1000, 0x22eb, join({sequence, erspan3, innerEthernet}))},
      {"ERSPAN III with a subheader", gre(0x1000, 0x22eb, join({sequence, erspan3Sub, innerEthernet}))},
      {"ERSPAN III with IP", gre(0x1000, 0x22eb, join({sequence, erspan3Ip, inner4}))},
      {"Aruba", gre(0, 0x8200, wlan)},
      {"WCCP", gre(0, 0x883e, inner4)},
      {"WCCP 2", gre(0, 0x883e, join({zeros(4), inner4}))},
      {"PPTP", gre(0x3081, 0x880b, pptp)},
      {"PPTP with compressed protocol",
       gre(0x3001, 0x880b, join({be16(static_cast<uint32_t>(inner4.size() + 1)), be16(7), be32(1), {0x21}, inner4}))},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    checkPacket(one.bytes, 1, text);
  }
}

TEST_CASE("decode: tunnels in UDP") {
  const Bytes sequenced = join({{0, 1, 0, 0}, inner4});
  const Bytes extended = join({{0, 1, 0, 0x85}, {1, 0, 0, 0xc0}, {1, 0, 0, 0}, inner6});
  const Bytes wlan = join({{0x08, 0x01}, zeros(22), snap(0x0800, inner4)});
  const Bytes wlanSwapped = join({{0x01, 0x08}, zeros(22), snap(0x0800, inner4)});
  struct Case {
    std::string name;
    uint16_t port;
    Bytes content;
  };
  const Case cases[] = {
      {"VXLAN", 4789, vxlan(42)},
      {"VXLAN on its first port", 8472, vxlan(42)},
      {"VXLAN with a group policy", 4789, join({{0x88, 0, 0, 7}, be24(42), {0}, innerEthernet})},
      {"VXLAN-GPE, IPv4", 4790, join({{0x0c, 0, 0, 1}, be24(42), {0}, inner4})},
      {"VXLAN-GPE, IPv6", 4790, join({{0x0c, 0, 0, 2}, be24(42), {0}, inner6})},
      {"VXLAN-GPE, Ethernet", 4790, join({{0x0c, 0, 0, 3}, be24(42), {0}, innerEthernet})},
      {"VXLAN-GPE, NSH", 4790, join({{0x0c, 0, 0, 4}, be24(42), {0}, {0x0f, 0xc2, 0x02, 0x01}, zeros(4), inner4})},
      {"Geneve with options", 6081, geneve(42)},
      {"Geneve with IP", 6081, join({{0, 0, 0x08, 0}, be24(42), {0}, inner4})},
      {"GTP-U", 2152, gtp(0x30, inner4)},
      {"GTP-U with a sequence number", 2152, gtp(0x32, sequenced)},
      {"GTP-U with extension headers", 2152, gtp(0x34, extended)},
      {"GTP-U with Ethernet", 2152, gtp(0x30, innerEthernet)},
      {"Teredo", 3544, inner6},
      {"Teredo with origin", 3544, join({zeros(8), inner6})},
      {"Teredo with authentication and origin", 3544, join({{0, 1, 2, 3}, zeros(5), zeros(8), {0}, zeros(8), inner6})},
      {"L2TP", 1701, join({be16(0x0002), be16(1), be16(2), ppp})},
      {"L2TP with sequence", 1701, join({be16(0x0802), be16(1), be16(2), zeros(4), ppp})},
      {"L2TP with length and offset", 1701,
       join({be16(0x4a02), be16(static_cast<uint32_t>(16 + ppp.size())), be16(1), be16(2), be32(0), be16(2), zeros(2),
             ppp})},
      {"L2TPv3", 1701, join({be16(3), be16(0), be32(9), zeros(4), innerEthernet})},
      {"AYIYA", 5072, join({{0x41, 0x52, 0x11, 41}, zeros(4), zeros(16), zeros(20), inner6})},
      {"CAPWAP", 5247, join({{0, 0x10, 0x03, 0}, zeros(4), wlan})},
      {"CAPWAP, Cisco byte order", 5247, join({{0, 0x10, 0x03, 0}, zeros(4), wlanSwapped})},
      {"CAPWAP, Ethernet", 5247, join({{0, 0x10, 0x02, 0}, zeros(4), innerEthernet})},
      {"TZSP", 37008, join({{1, 0}, be16(1), {0, 10, 1, 7, 1}, innerEthernet})},
      {"LISP", 4341, join({{0xc0}, zeros(7), inner4})},
      {"GRE in UDP", 4754, join({{0, 0, 0x08, 0}, inner4})},
      {"MPLS in UDP", 6635, join({{0, 0x10, 0x01, 0x40}, inner4})},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    checkPacket(overUdp(one.port, one.content), 1, text);
    checkPacket(ethernet(0x86dd, ipv6(17, udp(54321, one.port, one.content))), 1, text);
    // A UDP length of 0 is what offloading and jumbograms leave.
    Bytes datagram = udp(one.port, 54321, one.content);
    put16(datagram, 4, 0);
    checkPacket(ethernet(0x0800, ipv4(17, datagram)), 1, text);
  }
}

TEST_CASE("decode: a port alone makes no tunnel") {
  const uint16_t ports[] = {1701, 2152, 3544, 4341, 4754, 4789, 4790, 5072, 5247, 6081, 6635, 8472, 37008, 53};
  const Bytes contents[] = {
      bytesOf("an ordinary datagram which happens to use such a port, for instance as its client"),
      zeros(200),
      Bytes(200, 0xff),
      {},
      {1},
  };
  for (const uint16_t port : ports) {
    for (const Bytes& content : contents) {
      CAPTURE(port);
      CAPTURE(content.size());
      Decoding decoding;
      CHECK(decoding.decode(overUdp(port, content)) == DecodeResult::notTcp);
    }
  }
}

TEST_CASE("decode: control messages of tunnels are not TCP") {
  struct Case {
    std::string name;
    Bytes bytes;
  };
  const Case cases[] = {
      {"L2TP control", overUdp(1701, join({be16(0xc802), be16(12), zeros(8)}))},
      {"GTP-U echo", overUdp(2152, join({{0x32, 1}, be16(4), zeros(8)}))},
      {"Teredo bubble", overUdp(3544, ipv6(59, {}))},
      {"AYIYA heartbeat", overUdp(5072, join({{0x41, 0x52, 0x10, 59}, zeros(40)}))},
      {"L2TPv3 control", ethernet(0x0800, ipv4(115, zeros(20)))},
      {"PPTP acknowledgment", gre(0x2081, 0x880b, zeros(8))},
      {"GRE keep-alive", gre(0, 0, {})},
      {"encrypted", ethernet(0x0800, ipv4(50, zeros(60)))},
      {"TCP quoted in ICMP", ethernet(0x0800, ipv4(1, join({{3, 3, 0, 0}, zeros(4), inner4})))},
      {"TCP quoted in ICMPv6", ethernet(0x86dd, ipv6(58, join({{1, 4, 0, 0}, zeros(4), inner6})))},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    Decoding decoding;
    CHECK(decoding.decode(one.bytes) == DecodeResult::notTcp);
  }
}

TEST_CASE("decode: the scope tells tunnels apart and is the same in both directions") {
  CHECK(scopeOf(overUdp(4789, vxlan(1))) != 0);
  CHECK(scopeOf(overUdp(4789, vxlan(1))) != scopeOf(overUdp(4789, vxlan(2))));
  CHECK(scopeOf(overUdp(4789, vxlan(1))) == scopeOf(ethernet(0x86dd, ipv6(17, udp(1, 4789, vxlan(1))))));
  CHECK(scopeOf(overUdp(6081, geneve(1))) != scopeOf(overUdp(6081, geneve(2))));
  CHECK(scopeOf(overUdp(4789, vxlan(0))) != 0);

  Ipv4Fields there;
  Ipv4Fields back;
  std::swap(back.source, back.destination);
  Ipv4Fields elsewhere;
  elsewhere.source = {192, 0, 2, 3};
  const auto inTunnel = [](const Ipv4Fields& outer, bool reply) {
    return scopeOf(ethernet(0x0800, ipv4(4, innerV4(reply), outer)));
  };
  CHECK(inTunnel(there, false) != 0);
  CHECK(inTunnel(there, false) == inTunnel(back, true));
  CHECK(inTunnel(there, false) != inTunnel(elsewhere, false));
  const Bytes greHeader = {0, 0, 0x08, 0x00};
  CHECK(scopeOf(ethernet(0x0800, ipv4(47, join({greHeader, inner4}), there))) ==
        scopeOf(ethernet(0x0800, ipv4(47, join({greHeader, innerV4(true)}), back))));
}

TEST_CASE("decode: what differs by direction is no part of the scope") {
  CHECK(scopeOf(overUdp(2152, gtp(0x30, inner4))) == 0);
  CHECK(scopeOf(overUdp(1701, join({be16(0x0002), be16(1), be16(2), ppp}))) == 0);
  // Segment routing: each direction has other outer addresses.
  CHECK(scopeOf(ethernet(0x86dd, ipv6(4, inner4))) == 0);
  // A mirror sees a tag where a frame comes in and none where it leaves; a virtual switch gives each direction a key.
  const Bytes mirrored = ethernet(0x8100, vlanTag(21, 0x0800, inner4));
  CHECK(scopeOf(gre(0, 0x88be, innerEthernet)) == scopeOf(gre(0, 0x88be, mirrored)));
  CHECK(scopeOf(gre(0x2000, 0x6558, join({be32(0), innerEthernet}))) ==
        scopeOf(gre(0x2000, 0x6558, join({be32(0x02000000), innerEthernet}))));
  Decoding decoding;
  REQUIRE(decoding.decode(gre(0, 0x88be, mirrored)) == DecodeResult::segment);
  CHECK(decoding.segment.vlan == 21);
}
