// Kernel filters derived from a selection: a superset, whatever the link type.
#include <pcap.h>
#include <sys/socket.h>

#include "source/bpf_program.h"
#include "source/link_type.h"
#include "source/selection_filter.h"
#include "source/tunnel_ports.h"
#include "source_fixture.h"

namespace flowtap::source {
namespace {

constexpr uint32_t ethernet = 1;
constexpr uint32_t cooked = 113;
constexpr uint32_t cooked2 = 276;
constexpr uint32_t raw = 101;
constexpr uint32_t null = 0;
constexpr uint32_t linkTypes[] = {ethernet, cooked, cooked2, raw, null};

constexpr uint16_t etherIp = 0x0800;
constexpr uint16_t etherIp6 = 0x86dd;

Writer network() { return Writer(true); }

Buffer link(uint32_t linkType, uint16_t etherType, const Buffer& payload) {
  Writer writer = network();
  switch (linkType) {
    case ethernet:
      writer.raw(Buffer(12)).u16(etherType);
      break;
    case cooked:
      writer.u16(0).u16(1).u16(6).raw(Buffer(8)).u16(etherType);
      break;
    case cooked2:
      writer.u16(etherType).u16(0).u32(2).u16(1).u16(6).raw(Buffer(8));
      break;
    case null:
      // The address family, of this machine and in its order.
      writer.raw(Writer(std::endian::native == std::endian::big).u32(etherType == etherIp6 ? AF_INET6 : AF_INET).bytes);
      break;
    default:
      break;
  }
  return writer.raw(payload).bytes;
}

// `fragment`: flags and offset.
Buffer ip4(uint8_t protocol, const Buffer& payload, uint16_t fragment = 0, uint32_t from = 0x0a000001,
           uint32_t to = 0x0a000002) {
  Writer writer = network();
  writer.u16(0x4500).u16(20 + payload.size()).u16(1).u16(fragment).u16(64 << 8 | protocol).u16(0).u32(from).u32(to);
  return writer.raw(payload).bytes;
}

Buffer ip6(uint8_t next, const Buffer& payload, uint8_t lastByte = 2) {
  Buffer from(16);
  from[0] = 0xfd;
  from[15] = 1;
  Buffer to = from;
  to[15] = lastByte;
  return network().u32(0x60000000).u16(payload.size()).u16(next << 8 | 64).raw(from).raw(to).raw(payload).bytes;
}

Buffer tcp(uint16_t from, uint16_t to) {
  return network().u16(from).u16(to).raw(Buffer(8)).u16(0x5010).raw(Buffer(6 + 10)).bytes;
}
Buffer udp(uint16_t from, uint16_t to, const Buffer& payload = Buffer(20)) {
  return network().u16(from).u16(to).u16(8 + payload.size()).u16(0).raw(payload).bytes;
}

class Filter {
 public:
  Filter(const Selection& selection, uint32_t linkType, const std::string& user = "") : linkType_(linkType) {
    const std::string expression = combineFilters(selectionFilter(selection), user);
    std::string words;
    const bool compiled = program_.compile(expression, linkType, words);
    if (!compiled) MESSAGE(expression << ": " << words);
    REQUIRE(compiled);
  }
  bool passes(uint16_t etherType, const Buffer& payload) const {
    const Buffer packet = link(linkType_, etherType, payload);
    const auto length = static_cast<uint32_t>(packet.size());
    return program_.matches({packet.data(), length, length, 0, linkType_, 0});
  }
  bool passes4(const Buffer& packet) const { return passes(etherIp, packet); }
  bool passes6(const Buffer& packet) const { return passes(etherIp6, packet); }

 private:
  BpfProgram program_;
  const uint32_t linkType_;
};

TEST_CASE("ports: plain TCP and UDP of others is rejected, everything else arrives") {
  for (const uint32_t linkType : linkTypes) {
    CAPTURE(linkType);
    const Filter filter({{80, 8000}, {}}, linkType);
    CHECK(filter.passes4(ip4(6, tcp(40000, 80))));
    CHECK(filter.passes4(ip4(6, tcp(8000, 40000))));
    CHECK_FALSE(filter.passes4(ip4(6, tcp(40000, 443))));
    CHECK_FALSE(filter.passes4(ip4(17, udp(40000, 53))));
    CHECK_FALSE(filter.passes4(ip4(17, udp(40000, 80))));
    CHECK(filter.passes6(ip6(6, tcp(40000, 80))));
    CHECK_FALSE(filter.passes6(ip6(6, tcp(40000, 443))));
    CHECK_FALSE(filter.passes6(ip6(17, udp(40000, 443))));

    // Don't-fragment is no fragment; the first one has ports, but the rest follows it.
    CHECK_FALSE(filter.passes4(ip4(6, tcp(40000, 443), 0x4000)));
    CHECK(filter.passes4(ip4(6, tcp(40000, 443), 0x2000)));
    CHECK(filter.passes4(ip4(6, Buffer(40), 0x0010)));
    CHECK(filter.passes4(ip4(17, udp(40000, 53), 0x2000)));
    CHECK(filter.passes4(ip4(17, Buffer(40), 0x2010)));
    const Buffer fragmentHeader = network().u16(6 << 8).u16(1).u32(7).bytes;
    CHECK(filter.passes6(ip6(44, network().raw(fragmentHeader).raw(tcp(40000, 443)).bytes)));
    CHECK(filter.passes6(ip6(0, network().u16(6 << 8).u16(0x0104).u32(0).raw(tcp(40000, 443)).bytes)));

    for (const uint16_t port : udpTunnelPorts) {
      CHECK(filter.passes4(ip4(17, udp(40000, port))));
      CHECK(filter.passes6(ip6(17, udp(port, 40000))));
    }
    // GRE, IP in IP, 6in4, ESP, AH, SCTP, ICMP.
    for (const uint8_t protocol : {47, 4, 41, 50, 51, 132, 1}) {
      CHECK(filter.passes4(ip4(protocol, ip4(6, tcp(1, 443)))));
      CHECK(filter.passes6(ip6(protocol, ip4(6, tcp(1, 443)))));
    }
  }
}

TEST_CASE("ports: what is not IP to the link layer arrives, but ARP") {
  const Buffer other = ip4(6, tcp(40000, 443));
  for (const uint32_t linkType : {ethernet, cooked, cooked2}) {
    CAPTURE(linkType);
    const Filter filter({{80}, {}}, linkType);
    // VLAN, QinQ, MPLS, PPPoE, TEB, a link type nobody knows.
    for (const uint16_t etherType : {0x8100, 0x88a8, 0x9100, 0x8847, 0x8864, 0x6558, 0x1234}) {
      CHECK(filter.passes(etherType, network().u16(5).u16(etherIp).raw(other).bytes));
    }
    CHECK_FALSE(filter.passes(0x0806, Buffer(28)));
  }
}

TEST_CASE("addresses: either end, IPv4, IPv6 and mapped") {
  for (const uint32_t linkType : linkTypes) {
    CAPTURE(linkType);
    const Filter filter({{}, {"10.0.0.2", "fd00::2", "::ffff:10.0.0.7"}}, linkType);
    CHECK(filter.passes4(ip4(6, tcp(1, 2))));
    CHECK(filter.passes4(ip4(6, tcp(1, 2), 0, 0x0a000002, 0x0a000009)));
    CHECK(filter.passes4(ip4(6, tcp(1, 2), 0, 0x0a000007, 0x0a000009)));
    CHECK_FALSE(filter.passes4(ip4(6, tcp(1, 2), 0, 0x0a000008, 0x0a000009)));
    CHECK(filter.passes6(ip6(6, tcp(1, 2))));
    CHECK_FALSE(filter.passes6(ip6(6, tcp(1, 2), 3)));
    CHECK(filter.passes4(ip4(47, Buffer(40), 0, 0x0a000008, 0x0a000009)));
    CHECK_FALSE(filter.passes4(ip4(17, udp(1, 2))));

    const Filter both({{80}, {"10.0.0.2"}}, linkType);
    CHECK(both.passes4(ip4(6, tcp(1, 80))));
    CHECK_FALSE(both.passes4(ip4(6, tcp(1, 81))));
    CHECK_FALSE(both.passes4(ip4(6, tcp(1, 80), 0, 0x0a000008, 0x0a000009)));
    CHECK_FALSE(both.passes6(ip6(6, tcp(1, 80))));
  }
}

TEST_CASE("the user's filter is and-ed on the outer packet") {
  const Filter filter({{80}, {}}, ethernet, "host 10.0.0.1 or udp");
  CHECK(filter.passes4(ip4(6, tcp(1, 80))));
  CHECK_FALSE(filter.passes4(ip4(6, tcp(1, 81))));
  CHECK_FALSE(filter.passes4(ip4(6, tcp(1, 80), 0, 0x0a000008, 0x0a000009)));
  // `vlan` moves the offsets of what follows it, which must not be the derived part.
  const Filter vlan({{80}, {}}, ethernet, "vlan 5");
  CHECK(vlan.passes(0x8100, network().u16(5).u16(etherIp).raw(ip4(6, tcp(1, 81))).bytes));
  CHECK_FALSE(vlan.passes(0x8100, network().u16(6).u16(etherIp).raw(ip4(6, tcp(1, 80))).bytes));
}

TEST_CASE("no selection, no filter; what cannot be expressed neither") {
  CHECK(selectionFilter({}) == "");
  CHECK(selectionFilter({{}, {"fe80::1%eth0"}}) == "");
  CHECK(selectionFilter({std::vector<uint16_t>(1000, 80), {}}) == "");
  CHECK(combineFilters("", "") == "");
  CHECK(combineFilters("", "udp") == "udp");
  CHECK(combineFilters("tcp", "") == "tcp");
  const Filter many({std::vector<uint16_t>(128, 80), {}}, ethernet);
  CHECK(many.passes4(ip4(6, tcp(1, 80))));
}

TEST_CASE("checkFilter has libpcap's words") {
  CHECK_FALSE(checkFilter("", ethernet));
  CHECK_FALSE(checkFilter("tcp port 80 or vlan 7", ethernet));
  const Error error = checkFilter("tcp porp 80", ethernet);
  CHECK(error.code == "ERR_FILTER");
  CHECK(contains(error.message, "syntax error"));
  CHECK(contains(checkFilter("vlan", raw).message, "no VLAN support for Raw IP"));
  CHECK(contains(checkFilter("vlan", cooked2).message, "no VLAN support for Linux cooked v2"));
}

TEST_CASE("link types and DLT values") {
  CHECK(dltToLinkType(DLT_RAW) == 101);
  CHECK(linkTypeToDlt(101) == DLT_RAW);
  CHECK(dltToLinkType(DLT_LINUX_SLL2) == 276);
  CHECK(linkTypeName(1) == "EN10MB");
  CHECK(linkTypeName(101) == "RAW");
  CHECK(linkTypeName(276) == "LINUX_SLL2");
  CHECK(linkTypeName(60000) == "LINKTYPE_60000");
}

}  // namespace
}  // namespace flowtap::source
