// The addresses in link headers.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "decode/link_addresses.h"

using namespace flowtap;
using namespace flowtap::decode;

namespace {

LinkAddresses of(const std::vector<uint8_t>& bytes, uint32_t linkType) {
  const auto length = static_cast<uint32_t>(bytes.size());
  // As many bytes as there are: a sanitizer tells who reads beyond.
  const std::vector<uint8_t> exact(bytes);
  return linkAddressesOf({exact.data(), length, length, 0, linkType, 0});
}

std::vector<uint8_t> ascending(size_t length) {
  std::vector<uint8_t> bytes(length);
  for (size_t i = 0; i < length; i++) bytes[i] = static_cast<uint8_t>(i);
  return bytes;
}

}  // namespace

TEST_CASE("decode: link addresses of Ethernet") {
  const LinkAddresses addresses = of(ascending(14), 1);
  CHECK(addresses.hasSource);
  CHECK(addresses.hasDestination);
  CHECK(addresses.destination[0] == 0);
  CHECK(addresses.destination[5] == 5);
  CHECK(addresses.source[0] == 6);
  CHECK(addresses.source[5] == 11);
  CHECK_FALSE(of(ascending(11), 1).hasSource);
  CHECK_FALSE(of(ascending(11), 1).hasDestination);
}

TEST_CASE("decode: the sender's link address in Linux cooked captures") {
  struct Case {
    uint32_t linkType;
    size_t lengthAt;
    uint8_t first;
  };
  for (const auto& [linkType, lengthAt, first] : {Case{113, 5, 6}, Case{276, 11, 12}}) {
    std::vector<uint8_t> bytes = ascending(20);
    CHECK_FALSE(of(bytes, linkType).hasSource);
    bytes[lengthAt] = 6;
    const LinkAddresses addresses = of(bytes, linkType);
    CHECK(addresses.hasSource);
    CHECK_FALSE(addresses.hasDestination);
    CHECK(addresses.source[0] == first);
    CHECK(addresses.source[5] == first + 5);
    bytes.resize(first + 5u);
    CHECK_FALSE(of(bytes, linkType).hasSource);
  }
}

TEST_CASE("decode: no link addresses where the link has none") {
  for (const uint32_t linkType : {0u, 101u, 108u, 228u, 105u}) {
    const LinkAddresses addresses = of(ascending(60), linkType);
    CHECK_FALSE(addresses.hasSource);
    CHECK_FALSE(addresses.hasDestination);
  }
}
