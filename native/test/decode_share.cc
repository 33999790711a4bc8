// Which worker a connection belongs to, to the decoder and to the kernel.
#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <vector>

#include "decode/share.h"
#include "decode_case.h"
#include "source/packet_filter.h"

using namespace flowtap;
using namespace flowtap::test;

namespace {

struct Ends {
  Bytes client;
  Bytes server;
  uint16_t clientPort;
  uint16_t serverPort;
};

Bytes packetOfEnds(const Ends& ends, bool back) {
  TcpFields fields;
  fields.sourcePort = back ? ends.serverPort : ends.clientPort;
  fields.destinationPort = back ? ends.clientPort : ends.serverPort;
  const Bytes& from = back ? ends.server : ends.client;
  const Bytes& to = back ? ends.client : ends.server;
  if (from.size() == 4) return ipv4(6, tcp("x", fields), {.source = from, .destination = to});
  return ipv6(6, tcp("x", fields), {.source = from, .destination = to});
}

uint16_t etherTypeOf(const Ends& ends) { return ends.client.size() == 4 ? 0x0800 : 0x86dd; }

std::vector<Ends> someEnds() {
  std::vector<Ends> all;
  const Bytes local = {127, 0, 0, 1};
  for (uint32_t i = 0; i < 200; i++) {
    const auto port = static_cast<uint16_t>(32768 + i * 2);
    const auto last = static_cast<uint8_t>(i);
    all.push_back({local, local, port, 8000});
    all.push_back({{10, 1, 0, last}, {10, 2, 0, 80}, 40000, 80});
    all.push_back({join({{0x20, 1, 0xd, 0xb8}, zeros(11), {last}}), join({{0xfd}, zeros(14), {1}}), port, 443});
    all.push_back({join({zeros(10), {0xff, 0xff, 1, 2, 3, last}}), join({{0xfd}, zeros(14), {2}}), port, 443});
  }
  return all;
}

bool passes(source::PacketFilter& filter, const Bytes& bytes, uint32_t linkType) {
  source::Packet packet = packetOf(bytes, linkType);
  return filter.keepMatching(&packet, 1) == 1;
}

bool isOwn(const Bytes& bytes, const source::Share& share, uint32_t linkType = 1) {
  Decoding decoding;
  REQUIRE(decoding.decode(bytes, linkType) == decode::DecodeResult::segment);
  return decode::isIn(share, decoding.segment);
}

}  // namespace

TEST_CASE("decode share: one worker has both directions, and the kernel's filter gives it just these") {
  for (const uint32_t count : {2u, 3u, 64u}) {
    std::deque<source::PacketFilter> filters;
    for (uint32_t index = 0; index < count; index++) {
      filters.emplace_back(source::shareFilter({index, count}));
      REQUIRE_FALSE(filters.back().prepare(1));
    }
    std::vector<size_t> sizes(count);
    for (const Ends& ends : someEnds()) {
      const Bytes there = ethernet(etherTypeOf(ends), packetOfEnds(ends, false));
      const Bytes back = ethernet(etherTypeOf(ends), packetOfEnds(ends, true));
      size_t owners = 0;
      for (uint32_t index = 0; index < count; index++) {
        const bool own = isOwn(there, {index, count});
        owners += own;
        sizes[index] += own;
        CHECK(isOwn(back, {index, count}) == own);
        CHECK(passes(filters[index], there, 1) == own);
        CHECK(passes(filters[index], back, 1) == own);
      }
      CHECK(owners == 1);
    }
    const size_t fair = someEnds().size() / count;
    for (const size_t size : sizes) CHECK(size <= 2 * fair);
    for (const size_t size : sizes) CHECK(size >= fair / 3);
  }
}

TEST_CASE("decode share: the filter is right for every link type") {
  const source::Share share{1, 2};
  source::PacketFilter filter(source::shareFilter(share));
  for (const Ends& ends : someEnds()) {
    const Bytes ip = packetOfEnds(ends, false);
    const bool own = isOwn(ip, share, 101);
    CHECK(passes(filter, ip, 101) == own);
    CHECK(passes(filter, join({zeros(14), be16(etherTypeOf(ends)), ip}), 113) == own);
    CHECK(passes(filter, join({be16(etherTypeOf(ends)), zeros(18), ip}), 276) == own);
  }
}

TEST_CASE("decode share: whatever the kernel does not know for certain goes to all, and the decoder decides") {
  const Ends ends{{10, 1, 0, 7}, {10, 2, 0, 80}, 40001, 80};
  const Bytes ip = packetOfEnds(ends, false);
  const Bytes gre = ipv4(47, join({{0, 0}, be16(0x0800), ip}));
  const Bytes options = ipv4(6, tcp("x", {.sourcePort = 40001}),
                             {.source = ends.client, .destination = ends.server, .options = {1, 1, 1, 1}});
  std::vector<Bytes> odd = {ethernet(0x8100, vlanTag(7, 0x0800, ip)), ethernet(0x0800, gre),
                            ethernet(0x0800, ipv4(17, udp(50000, 53, zeros(20))))};
  Bytes fragment = ip;
  put16(fragment, 6, 0x2000);
  odd.push_back(ethernet(0x0800, fragment));
  size_t owners = 0;
  for (uint32_t index = 0; index < 3; index++) {
    const source::Share share{index, 3};
    source::PacketFilter filter(source::shareFilter(share));
    for (const Bytes& packet : odd) CHECK(passes(filter, packet, 1));
    // IPv4 options move the ports, which the filter knows.
    CHECK(passes(filter, ethernet(0x0800, options), 1) == isOwn(ethernet(0x0800, ip), share));
    // In a tunnel the connection belongs to the same worker as outside of it.
    CHECK(isOwn(odd[0], share) == isOwn(ethernet(0x0800, ip), share));
    CHECK(isOwn(odd[1], share) == isOwn(ethernet(0x0800, ip), share));
    owners += isOwn(odd[1], share);
  }
  CHECK(owners == 1);
}

TEST_CASE("decode share: everything is no filter") { CHECK(source::shareFilter({0, 1}).empty()); }
