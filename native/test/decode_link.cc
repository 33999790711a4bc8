// Link types, and what lies between Ethernet and IP.
#include "test/decode_case.h"

using namespace flowtap;
using namespace flowtap::test;
using decode::DecodeResult;

namespace {

const std::string text = "GET / HTTP/1.1\r\n\r\n";
const Bytes v4 = ipv4(6, tcp(text));
const Bytes v6 = ipv6(6, tcp(text));

uint32_t scopeOf(const Bytes& bytes, uint32_t linkType = 1) {
  Decoding decoding;
  REQUIRE(decoding.decode(bytes, linkType) == DecodeResult::segment);
  return decoding.segment.scope;
}

}  // namespace

TEST_CASE("decode: Ethernet with IPv4 fills the whole segment") {
  TcpFields fields;
  fields.urgentPointer = 9;
  fields.controlBits = 0x32;
  Decoding decoding;
  REQUIRE(decoding.decode(ethernet(0x0800, ipv4(6, tcp(text, fields))), 1, SIZE_MAX, 123456789) ==
          DecodeResult::segment);
  const decode::Segment& segment = decoding.segment;
  const uint8_t source[] = {192, 0, 2, 1};
  const uint8_t destination[] = {198, 51, 100, 2};
  CHECK(segment.source == decode::Address::fromV4(source));
  CHECK(segment.destination == decode::Address::fromV4(destination));
  CHECK(segment.acknowledgment == 2000);
  CHECK(segment.window == 512);
  CHECK(segment.urgentPointer == 9);
  CHECK(segment.controlBits == 0x32);
  CHECK(segment.ipVersion == 4);
  CHECK(segment.vlan == decode::noVlan);
  CHECK(segment.scope == 0);
  CHECK(segment.timestampNs == 123456789);
  CHECK(decoding.stats.packets_bytes == 14 + 40 + text.size());
}

TEST_CASE("decode: every link type that carries IP") {
  const Bytes wlanHeader = join({{0x08, 0x01, 0, 0}, zeros(18), {0x10, 0}});
  const Bytes qosHeader = join({{0x88, 0x02, 0, 0}, zeros(18), {0x10, 0}, {0, 0}});
  struct Case {
    std::string name;
    uint32_t linkType;
    Bytes bytes;
  };
  const Case cases[] = {
      {"NULL, little endian", 0, join({le32(2), v4})},
      {"NULL, big endian", 0, join({be32(2), v4})},
      {"NULL, IPv6 on Linux", 0, join({le32(10), v6})},
      {"NULL, IPv6 on Windows", 0, join({le32(23), v6})},
      {"NULL, IPv6 on OpenBSD", 0, join({be32(24), v6})},
      {"NULL, IPv6 on FreeBSD", 0, join({le32(28), v6})},
      {"NULL, IPv6 on Darwin", 0, join({le32(30), v6})},
      {"LOOP", 108, join({be32(2), v4})},
      {"Ethernet", 1, ethernet(0x0800, v4)},
      {"Ethernet, IPv6", 1, ethernet(0x86dd, v6)},
      {"Ethernet with padding", 1, join({ethernet(0x0800, v4), zeros(20)})},
      {"802.3 with SNAP", 1, ethernet(static_cast<uint16_t>(v4.size() + 8), snap(0x0800, v4))},
      {"802.3 with LLC", 1, ethernet(static_cast<uint16_t>(v4.size() + 3), join({{6, 6, 3}, v4}))},
      {"Token Ring", 6, join({{0x10, 0x40}, zeros(12), snap(0x0800, v4)})},
      {"Token Ring, source routed", 6,
       join({{0x10, 0x40}, zeros(6), {0x80}, zeros(5), {0x04, 0x30, 0, 1}, snap(0x0800, v4)})},
      {"ARCNET, RFC 1201", 7, join({{1, 2, 0xd4, 0, 0, 1}, v4})},
      {"ARCNET, Linux, RFC 1051", 129, join({{1, 2, 0, 0, 0xf0}, v4})},
      {"SLIP", 8, join({zeros(16), v4})},
      {"PPP", 9, join({{0xff, 0x03, 0x00, 0x21}, v4})},
      {"PPP, compressed", 9, join({{0x57}, v6})},
      {"PPP with multilink in one piece", 9, join({{0xff, 0x03, 0x00, 0x3d, 0xc0, 0, 0, 1, 0x00, 0x21}, v4})},
      {"PPP in HDLC", 50, join({{0xff, 0x03, 0x00, 0x57}, v6})},
      {"Cisco HDLC as PPP", 50, join({{0x0f, 0x00, 0x08, 0x00}, v4})},
      {"PPP with direction", 204, join({{1, 0xff, 0x03, 0x00, 0x21}, v4})},
      {"PPPoE as link type", 51, join({{0x11, 0, 0, 1}, be16(static_cast<uint32_t>(v4.size() + 2)), {0x00, 0x21}, v4})},
      {"FDDI", 10, join({{0x50}, zeros(12), snap(0x86dd, v6)})},
      {"ATM, RFC 2684", 100, snap(0x0800, v4)},
      {"ATM, bridged", 100, join({{0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2, 0x00, 0x07, 0, 0}, ethernet(0x0800, v4)})},
      {"SunATM", 123, join({{0x02, 0, 0, 0}, snap(0x0800, v4)})},
      {"RAW", 101, v4},
      {"RAW as DLT 12", 12, v6},
      {"RAW as DLT 14", 14, v4},
      {"Cisco HDLC", 104, join({{0x0f, 0x00, 0x86, 0xdd}, v6})},
      {"Frame Relay", 107, join({{0x18, 0x41, 0x03, 0xcc}, v4})},
      {"Frame Relay, IPv6", 107, join({{0x18, 0x41, 0x03, 0x8e}, v6})},
      {"Frame Relay with SNAP", 107, join({{0x18, 0x41, 0x03, 0x00, 0x80, 0, 0, 0, 0x08, 0x00}, v4})},
      {"Frame Relay, bridged", 107,
       join({{0x18, 0x41, 0x03, 0x00, 0x80, 0x00, 0x80, 0xc2, 0x00, 0x07}, ethernet(0x0800, v4)})},
      {"Frame Relay, Cisco", 107, join({{0x18, 0x41, 0x08, 0x00}, v4})},
      {"802.11", 105, join({wlanHeader, snap(0x0800, v4)})},
      {"802.11 QoS", 105, join({qosHeader, snap(0x0800, v4)})},
      {"802.11 with four addresses", 105, join({{0x08, 0x03, 0, 0}, zeros(18), {0x10, 0}, zeros(6), snap(0x0800, v4)})},
      {"802.11 with HT control", 105,
       join({{0x88, 0x81, 0, 0}, zeros(18), {0x10, 0}, {0, 0}, zeros(4), snap(0x0800, v4)})},
      {"802.11 aggregate of one", 105,
       join({{0x88, 0x01, 0, 0},
             zeros(18),
             {0x10, 0},
             {0x80, 0},
             zeros(12),
             be16(static_cast<uint32_t>(v4.size() + 8)),
             snap(0x0800, v4)})},
      {"radiotap", 127, join({{0, 0, 8, 0, 0, 0, 0, 0}, wlanHeader, snap(0x0800, v4), zeros(4)})},
      {"radiotap, padded header", 127, join({{0, 0, 9, 0}, le32(2), {0x20}, qosHeader, {0, 0}, snap(0x0800, v4)})},
      {"radiotap, padded header behind a time", 127,
       join({{0, 0, 29, 0},
             le32(0x80000003),
             le32(0),
             zeros(4),
             zeros(8),
             {0x20},
             zeros(4),
             qosHeader,
             {0, 0},
             snap(0x0800, v4)})},
      {"Prism", 119, join({{0x44, 0, 0, 0, 0x90, 0, 0, 0}, zeros(136), wlanHeader, snap(0x0800, v4)})},
      {"AVS as Prism", 119, join({be32(0x80211001), be32(64), zeros(56), wlanHeader, snap(0x0800, v4)})},
      {"AVS", 163, join({be32(0x80211001), be32(64), zeros(56), wlanHeader, snap(0x0800, v4)})},
      {"PPI", 192, join({{0, 0}, le16(8), le32(105), wlanHeader, snap(0x0800, v4)})},
      {"MPLS", 219, join({{0, 0x10, 0x01, 0x40}, v4})},
      {"IPv4", 228, v4},
      {"IPv6", 229, v6},
      {"SLL", 113, join({zeros(2), be16(1), zeros(10), be16(0x0800), v4})},
      {"SLL, IPv6", 113, join({zeros(2), be16(1), zeros(10), be16(0x86dd), v6})},
      {"SLL with LLC", 113, join({zeros(2), be16(1), zeros(10), be16(4), snap(0x0800, v4)})},
      {"SLL with radiotap", 113,
       join({zeros(2), be16(803), zeros(10), be16(4), {0, 0, 8, 0, 0, 0, 0, 0}, wlanHeader, snap(0x0800, v4)})},
      {"SLL2", 276, join({be16(0x0800), zeros(6), be16(1), zeros(10), v4})},
      {"NFLOG", 239,
       join({{2, 0, 0, 0}, le16(5), le16(10), {0, 0, 0, 0}, le16(static_cast<uint32_t>(v4.size() + 4)), le16(9), v4})},
      {"NFLOG, big endian", 239,
       join({{10, 0, 0, 0}, be16(8), be16(1), zeros(4), be16(static_cast<uint32_t>(v6.size() + 4)), be16(9), v6})},
      {"PKTAP", 258, join({le32(20), le32(1), le32(1), zeros(8), ethernet(0x0800, v4)})},
      {"PFLOG", 117, join({{61, 2}, zeros(62), v4})},
      {"ENC", 109, join({le32(24), zeros(8), v6})},
      {"IP over Fibre Channel", 122, join({zeros(16), snap(0x0800, v4)})},
      {"IP over IEEE 1394", 138, join({zeros(16), be16(0x0800), v4})},
      {"NetAnalyzer", 240, join({zeros(4), ethernet(0x0800, v4)})},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    checkPacket(one.bytes, one.linkType, text);
  }
}

TEST_CASE("decode: what an EtherType may put before IP") {
  struct Case {
    std::string name;
    uint16_t type;
    Bytes bytes;
  };
  const auto pppLength = static_cast<uint32_t>(v4.size() + 2);
  const Case cases[] = {
      {"VLAN", 0x8100, vlanTag(5, 0x0800, v4)},
      {"VLAN, IPv6", 0x8100, vlanTag(5, 0x86dd, v6)},
      {"priority tag", 0x8100, vlanTag(0xa000, 0x0800, v4)},
      {"QinQ", 0x88a8, vlanTag(5, 0x8100, vlanTag(6, 0x0800, v4))},
      {"old QinQ", 0x9100, vlanTag(5, 0x9200, vlanTag(6, 0x0800, v4))},
      {"VLAN with LLC", 0x8100, vlanTag(5, static_cast<uint16_t>(v4.size() + 8), snap(0x0800, v4))},
      {"MPLS", 0x8847, join({{0, 0x10, 0x00, 0x40, 0, 0x20, 0x01, 0x40}, v6})},
      {"MPLS pseudowire with control word", 0x8848, join({{0, 0x10, 0x01, 0x40}, be32(0), ethernet(0x0800, v4)})},
      {"MPLS pseudowire", 0x8847, join({{0, 0x10, 0x01, 0x40}, ethernet(0x8100, vlanTag(5, 0x0800, v4))})},
      {"MPLS pseudowire whose address looks like IP", 0x8847,
       join({{0, 0x10, 0x01, 0x40}, {0x46, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00}, v4})},
      {"PPPoE", 0x8864, join({{0x11, 0, 0, 1}, be16(pppLength), {0x00, 0x21}, v4, zeros(6)})},
      {"Cisco MetaData", 0x8909, join({{1, 1}, {0, 1, 0, 9}, be16(0x0800), v4})},
      {"802.1ah", 0x88e7, join({{0, 0, 0, 9}, ethernet(0x0800, v4)})},
      {"MACsec, integrity alone", 0x88e5, join({{0x20, 0}, zeros(12), be16(0x0800), v4, zeros(16)})},
      {"VN-Tag", 0x8926, join({zeros(4), be16(0x0800), v4})},
      {"E-Tag", 0x893f, join({zeros(6), be16(0x0800), v4})},
      {"NSH", 0x894f, join({{0x0f, 0xc2, 0x02, 0x01}, zeros(4), v4})},
      {"NSH with Ethernet", 0x894f, join({{0x0f, 0xc2, 0x02, 0x03}, zeros(4), ethernet(0x86dd, v6)})},
      {"TRILL", 0x22f3, join({{0x00, 0x40}, zeros(4), zeros(4), ethernet(0x0800, v4)})},
      {"transparent Ethernet", 0x6558, ethernet(0x0800, v4)},
      {"jumbo LLC", 0x8870, snap(0x0800, v4)},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    checkPacket(ethernet(one.type, one.bytes), 1, text);
  }
}

TEST_CASE("decode: VLAN ids make the scope") {
  const uint32_t five = scopeOf(ethernet(0x8100, vlanTag(5, 0x0800, v4)));
  CHECK(five != 0);
  CHECK(five != scopeOf(ethernet(0x8100, vlanTag(6, 0x0800, v4))));
  CHECK(five == scopeOf(ethernet(0x8100, vlanTag(0xe005, 0x0800, v4))));
  CHECK(five == scopeOf(ethernet(0x88a8, vlanTag(5, 0x0800, v4))));
  CHECK(scopeOf(ethernet(0x8100, vlanTag(0xa000, 0x0800, v4))) == 0);
  CHECK(five == scopeOf(ethernet(0x8100, vlanTag(0, 0x8100, vlanTag(5, 0x0800, v4)))));
  CHECK(five != scopeOf(ethernet(0x88a8, vlanTag(6, 0x8100, vlanTag(5, 0x0800, v4)))));

  Decoding decoding;
  REQUIRE(decoding.decode(ethernet(0x88a8, vlanTag(6, 0x8100, vlanTag(5, 0x0800, v4)))) == DecodeResult::segment);
  CHECK(decoding.segment.vlan == 6);
  REQUIRE(decoding.decode(ethernet(0x8100, vlanTag(5, 0x86dd, v6))) == DecodeResult::segment);
  CHECK(decoding.segment.vlan == 5);
  CHECK(decoding.segment.scope == five);
  REQUIRE(decoding.decode(ethernet(0x0800, v4)) == DecodeResult::segment);
  CHECK(decoding.segment.vlan == decode::noVlan);
}

TEST_CASE("decode: the fast path and the general one agree about VLANs") {
  // Options send a packet the general way.
  Ipv4Fields fields;
  fields.options = {1, 1, 1, 1};
  CHECK(scopeOf(ethernet(0x8100, vlanTag(77, 0x0800, ipv4(6, tcp(text, {}), fields)))) ==
        scopeOf(ethernet(0x8100, vlanTag(77, 0x0800, v4))));
}

TEST_CASE("decode: MPLS labels and PPPoE sessions are no part of the scope") {
  CHECK(scopeOf(ethernet(0x8847, join({{0, 0x10, 0x01, 0x40}, v4}))) == 0);
  CHECK(scopeOf(ethernet(0x8864, join({{0x11, 0, 0, 1, 0, 0, 0x00, 0x21}, v4}))) == 0);
}

TEST_CASE("decode: what is not TCP, or not readable") {
  struct Case {
    std::string name;
    uint32_t linkType;
    Bytes bytes;
    DecodeResult expected;
  };
  const Case cases[] = {
      {"ARP", 1, ethernet(0x0806, zeros(28)), DecodeResult::notTcp},
      {"spanning tree", 1, ethernet(38, join({{0x42, 0x42, 0x03}, zeros(35)})), DecodeResult::notTcp},
      {"PPPoE discovery", 1, ethernet(0x8863, zeros(20)), DecodeResult::notTcp},
      {"802.11 beacon", 105, join({{0x80, 0}, zeros(40)}), DecodeResult::notTcp},
      {"802.11 without data", 105, join({{0x48, 0}, zeros(22)}), DecodeResult::notTcp},
      {"802.11 encrypted", 105, join({{0x08, 0x41}, zeros(22), snap(0x0800, v4)}), DecodeResult::notTcp},
      {"802.11 fragment", 105, join({{0x08, 0x05}, zeros(22), snap(0x0800, v4)}), DecodeResult::unsupported},
      {"802.11 aggregate of two", 105,
       join({{0x88, 0x01},
             zeros(22),
             {0x80, 0},
             zeros(12),
             be16(static_cast<uint32_t>(v4.size() + 8)),
             snap(0x0800, v4),
             zeros(200)}),
       DecodeResult::unsupported},
      {"MACsec encrypted", 1, ethernet(0x88e5, join({{0x2c, 0}, zeros(40)})), DecodeResult::notTcp},
      {"MPLS with an associated channel", 1, ethernet(0x8847, join({{0, 0x10, 0x01, 0x40, 0x10}, zeros(30)})),
       DecodeResult::notTcp},
      {"PPP control", 9, join({{0xff, 0x03, 0xc0, 0x21}, zeros(10)}), DecodeResult::notTcp},
      {"PPP with compressed headers", 9, join({{0xff, 0x03, 0x00, 0x2d}, zeros(40)}), DecodeResult::unsupported},
      {"NULL with AppleTalk", 0, join({le32(16), zeros(40)}), DecodeResult::notTcp},
      {"netlink in SLL", 113, join({zeros(2), be16(824), zeros(10), be16(0), v4}), DecodeResult::notTcp},
      {"USB", 220, zeros(80), DecodeResult::unsupported},
      {"unknown link type", 4711, v4, DecodeResult::unsupported},
      {"nothing", 1, {}, DecodeResult::malformed},
      {"IPv6 behind the EtherType of IPv4", 1, ethernet(0x0800, v6), DecodeResult::malformed},
      {"neither 4 nor 6", 101, zeros(60), DecodeResult::malformed},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    Decoding decoding;
    CHECK(decoding.decode(one.bytes, one.linkType) == one.expected);
    CHECK(decoding.balanced());
  }
}

TEST_CASE("decode: nesting is bounded") {
  Bytes bytes = vlanTag(5, 0x0800, v4);
  for (int i = 0; i < 100; ++i) bytes = vlanTag(5, 0x8100, bytes);
  Decoding decoding;
  CHECK(decoding.decode(ethernet(0x8100, bytes)) == DecodeResult::unsupported);
  Bytes nested = v4;
  for (int i = 0; i < 100; ++i) nested = ipv4(4, nested);
  CHECK(decoding.decode(nested, 101) == DecodeResult::unsupported);
  Bytes link = v4;
  for (int i = 0; i < 100; ++i) link = join({{0, 0}, le16(8), le32(192), link});
  CHECK(decoding.decode(link, 192) == DecodeResult::unsupported);
}

TEST_CASE("decode: link types that are not known are told, a few of them") {
  Decoding decoding;
  decoding.decode(zeros(80), 220);
  decoding.decode(v4, 4711);
  decoding.decode(zeros(80), 220);
  // Inside of PPI; and what is unsupported behind a known link type is no matter of it.
  decoding.decode(join({{0, 0}, le16(8), le32(220), v4}), 192);
  decoding.decode(join({{0xff, 0x03, 0x00, 0x2d}, zeros(40)}), 9);
  const auto& types = decoding.decoder.unsupportedLinkTypes();
  REQUIRE(types.size() == 2);
  CHECK(types[0].linkType == 220);
  CHECK(types[0].packets == 3);
  CHECK(types[1].linkType == 4711);
  CHECK(types[1].packets == 1);
  for (uint32_t type = 5000; type < 6000; type++) decoding.decode(v4, type);
  CHECK(types.size() == 8);
}
