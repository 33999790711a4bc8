// Selection of connections, and addresses as text.
#include <doctest/doctest.h>

#include "decode/address_text.h"
#include "decode/selector.h"

using flowtap::decode::Address;
using flowtap::decode::parseAddress;
using flowtap::decode::Segment;
using flowtap::decode::Selector;

namespace {

Segment makeSegment(uint16_t sourcePort, uint16_t destinationPort, const char* source, const char* destination) {
  Segment segment = {};
  segment.sourcePort = sourcePort;
  segment.destinationPort = destinationPort;
  segment.source = *parseAddress(source);
  segment.destination = *parseAddress(destination);
  return segment;
}

const Segment segment = makeSegment(40000, 8000, "192.0.2.1", "2001:db8::1");

}  // namespace

TEST_CASE("decode: empty lists select everything") { CHECK(Selector({}, {}).selects(segment)); }

TEST_CASE("decode: a port matches either end") {
  CHECK(Selector({8000}, {}).selects(segment));
  CHECK(Selector({40000}, {}).selects(segment));
  CHECK(Selector({1, 8000}, {}).selects(segment));
  CHECK_FALSE(Selector({8001, 7999, 8064, 0}, {}).selects(segment));
  CHECK(Selector({0}, {}).selects(makeSegment(0, 1, "::", "::")));
  CHECK(Selector({65535}, {}).selects(makeSegment(1, 65535, "::", "::")));
}

TEST_CASE("decode: an address matches either end") {
  CHECK(Selector({}, {*parseAddress("192.0.2.1")}).selects(segment));
  CHECK(Selector({}, {*parseAddress("192.0.2.9"), *parseAddress("2001:db8::1")}).selects(segment));
  CHECK_FALSE(Selector({}, {*parseAddress("192.0.2.2")}).selects(segment));
}

TEST_CASE("decode: of ports and addresses both must match") {
  CHECK(Selector({8000}, {*parseAddress("192.0.2.1")}).selects(segment));
  CHECK_FALSE(Selector({8001}, {*parseAddress("192.0.2.1")}).selects(segment));
  CHECK_FALSE(Selector({8000}, {*parseAddress("192.0.2.2")}).selects(segment));
}

TEST_CASE("decode: addresses as text") {
  const uint8_t v4[] = {192, 0, 2, 1};
  CHECK(*parseAddress("192.0.2.1") == Address::fromV4(v4));
  CHECK(*parseAddress("::ffff:192.0.2.1") == Address::fromV4(v4));
  CHECK(*parseAddress("2001:DB8:0::1") == *parseAddress("2001:db8::1"));
  for (const char* text : {"", "192.0.2", "192.0.2.256", "2001:db8::1/64", "[::1]", "fe80::1%eth0", "example.org"}) {
    CAPTURE(text);
    CHECK_FALSE(parseAddress(text).has_value());
  }
}
