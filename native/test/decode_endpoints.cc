// Followed endpoints, and segments that wait for them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "decode/address_text.h"
#include "decode/endpoint_set.h"
#include "decode/held_segments.h"
#include "decode/selector.h"

using namespace flowtap;
using namespace flowtap::decode;

namespace {

bool holds(const EndpointSet& set, const char* address, uint16_t port) {
  return set.holds(*parseAddress(address), port);
}

const uint8_t payload[] = "0123456789abcdefghijklmnopqrstuvwxyz";

Segment segmentOf(uint16_t port, int64_t timestampNs, uint32_t length = 4, uint32_t from = 0) {
  Segment segment = {};
  segment.source = *parseAddress("192.0.2.1");
  segment.destination = *parseAddress("198.51.100.1");
  segment.sourcePort = port;
  segment.destinationPort = 9;
  segment.payload = payload + from;
  segment.payloadLength = length;
  segment.timestampNs = timestampNs;
  return segment;
}

std::vector<std::string> released(HeldSegments& held, uint16_t port) {
  std::vector<std::string> texts;
  held.release([port](const Segment& segment) { return segment.sourcePort == port; },
               [&texts](const Segment& segment, uint64_t, const PacketNote&) {
                 texts.emplace_back(reinterpret_cast<const char*>(segment.payload), segment.payloadLength);
               });
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("decode: a set of endpoints holds address and port together") {
  const EndpointSet set({{*parseAddress("192.0.2.1"), 80},
                         {*parseAddress("2001:db8::1"), 80},
                         {*parseAddress("192.0.2.1"), 65535},
                         {*parseAddress("192.0.2.2"), 81}});
  CHECK(holds(set, "192.0.2.1", 80));
  CHECK(holds(set, "192.0.2.1", 65535));
  CHECK(holds(set, "2001:db8::1", 80));
  CHECK(holds(set, "192.0.2.2", 81));
  CHECK_FALSE(holds(set, "192.0.2.2", 80));
  CHECK_FALSE(holds(set, "2001:db8::2", 80));
  CHECK_FALSE(holds(set, "192.0.2.1", 79));
  CHECK_FALSE(holds(EndpointSet({}), "192.0.2.1", 80));
}

TEST_CASE("decode: the loopback addresses of IPv4 are one endpoint") {
  const EndpointSet set({{*parseAddress("127.0.0.53"), 80}});
  CHECK(holds(set, "127.0.0.1", 80));
  CHECK(holds(set, "127.9.9.9", 80));
  CHECK_FALSE(holds(set, "128.0.0.1", 80));
  CHECK_FALSE(holds(set, "::1", 80));
  CHECK_FALSE(holds(set, "7f00::1", 80));
}

TEST_CASE("decode: endpoints are read as they are written") {
  std::vector<uint8_t> bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1, 0x1f, 0x90};
  bytes.insert(bytes.end(), {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80});
  bytes.push_back(7);
  const auto set = readEndpoints(bytes.data(), bytes.size());
  CHECK(holds(*set, "192.0.2.1", 8080));
  CHECK(holds(*set, "2001:db8::1", 80));
  CHECK_FALSE(holds(*set, "192.0.2.1", 80));
  CHECK_FALSE(holds(*readEndpoints(bytes.data(), 17), "192.0.2.1", 8080));
}

TEST_CASE("decode: followed endpoints select beside ports and addresses") {
  Selector selector({80}, {});
  Segment segment = segmentOf(80, 0);
  CHECK(selector.selects(segment));
  selector.follow(std::make_shared<EndpointSet>(std::vector<Endpoint>{}));
  CHECK_FALSE(selector.selects(segment));
  CHECK(selector.isListed(segment));
  selector.follow(std::make_shared<EndpointSet>(std::vector<Endpoint>{{*parseAddress("192.0.2.1"), 80}}));
  CHECK(selector.selects(segment));
  std::swap(segment.source, segment.destination);
  CHECK_FALSE(selector.selects(segment));
  std::swap(segment.sourcePort, segment.destinationPort);
  CHECK(selector.selects(segment));
  selector.follow(std::make_shared<EndpointSet>(std::vector<Endpoint>{{*parseAddress("192.0.2.1"), 81}}));
  segment.destinationPort = 81;
  CHECK_FALSE(selector.selects(segment));
  selector.follow(nullptr);
  segment.destinationPort = 80;
  CHECK(selector.selects(segment));
}

TEST_CASE("decode: held segments come once, in order, with their bytes") {
  Stats stats;
  HeldSegments held({}, stats);
  held.hold(segmentOf(1, 10, 3));
  held.hold(segmentOf(2, 20, 2, 10));
  held.hold(segmentOf(1, 30, 0));
  held.hold(segmentOf(1, 40, 4, 20));
  CHECK(released(held, 1) == Texts{"012", "", "klmn"});
  CHECK(released(held, 1).empty());
  CHECK(released(held, 2) == Texts{"ab"});
  CHECK(stats.tcp_heldDropped == 0);
}

TEST_CASE("decode: a held segment comes with its tag") {
  Stats stats;
  HeldSegments held({}, stats);
  held.hold(segmentOf(1, 10), 7, {70, 0, {}});
  held.hold(segmentOf(2, 20), 8, {80, 0, {}});
  held.hold(segmentOf(1, 30), 9, {90, 0, {}});
  std::vector<uint64_t> tags;
  held.release([](const Segment& segment) { return segment.sourcePort == 1; },
               [&tags](const Segment&, uint64_t tag, const PacketNote& note) {
                 tags.push_back(tag);
                 CHECK(note.wireLength == 10 * tag);
               });
  CHECK(tags == std::vector<uint64_t>{7, 9});
}

TEST_CASE("decode: segments are held for their time, not much longer") {
  Stats stats;
  HeldSegments held({.holdNs = 100}, stats);
  held.hold(segmentOf(1, 1000, 1, 0));
  held.hold(segmentOf(1, 1099, 1, 1));
  held.hold(segmentOf(1, 1100, 1, 2));  // begins a generation
  held.hold(segmentOf(1, 1199, 1, 3));
  SUBCASE("a generation is kept while the next is collected") { CHECK(released(held, 1) == Texts{"0", "1", "2", "3"}); }
  SUBCASE("and then let go") {
    held.hold(segmentOf(1, 1200, 1, 4));
    CHECK(released(held, 1) == Texts{"2", "3", "4"});
  }
  CHECK(stats.tcp_heldDropped == 0);
}

TEST_CASE("decode: held segments are bounded, and those that are given up early are counted") {
  Stats stats;
  SUBCASE("by bytes") {
    HeldSegments held({.holdNs = 1000, .maxBytes = 8}, stats);
    for (uint32_t i = 0; i < 6; i++) held.hold(segmentOf(1, i, 4, i));
    CHECK(released(held, 1) == Texts{"2345", "3456", "4567", "5678"});
    CHECK(stats.tcp_heldDropped == 2);
  }
  SUBCASE("by number") {
    HeldSegments held({.holdNs = 1000, .maxSegments = 2}, stats);
    for (uint32_t i = 0; i < 7; i++) held.hold(segmentOf(1, i, 1, i));
    CHECK(released(held, 1) == Texts{"4", "5", "6"});
    CHECK(stats.tcp_heldDropped == 4);
  }
  SUBCASE("one that is larger than all room") {
    HeldSegments held({.maxBytes = 8}, stats);
    held.hold(segmentOf(1, 0, 9));
    CHECK(released(held, 1).empty());
    CHECK(stats.tcp_heldDropped == 1);
  }
}
