#include "decode/endpoint_set.h"

#include <algorithm>
#include <tuple>

namespace flowtap::decode {

namespace {

bool precedes(const Endpoint& a, const Endpoint& b) {
  return std::tie(a.port, a.address.words[0], a.address.words[1]) <
         std::tie(b.port, b.address.words[0], b.address.words[1]);
}

Address normalize(const Address& address) {
  uint8_t bytes[16];
  std::memcpy(bytes, address.words, sizeof bytes);
  constexpr uint8_t mappedLoopback[13] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  if (std::memcmp(bytes, mappedLoopback, sizeof mappedLoopback) != 0) return address;
  constexpr uint8_t localhost[4] = {127, 0, 0, 1};
  return Address::fromV4(localhost);
}

}  // namespace

EndpointSet::EndpointSet(const std::vector<Endpoint>& endpoints) : ports_(65536 / 64) {
  endpoints_.reserve(endpoints.size());
  for (const auto& [address, port] : endpoints) {
    ports_[port >> 6] |= uint64_t{1} << (port & 63);
    endpoints_.push_back({normalize(address), port});
  }
  std::sort(endpoints_.begin(), endpoints_.end(), precedes);
}

bool EndpointSet::find(const Address& address, uint16_t port) const {
  return std::binary_search(endpoints_.begin(), endpoints_.end(), Endpoint{normalize(address), port}, precedes);
}

std::shared_ptr<const EndpointSet> readEndpoints(const uint8_t* bytes, size_t length) {
  std::vector<Endpoint> endpoints;
  endpoints.reserve(length / writtenEndpointSize);
  for (size_t at = 0; at + writtenEndpointSize <= length; at += writtenEndpointSize) {
    const uint8_t* port = bytes + at + 16;
    endpoints.push_back({Address::fromV6(bytes + at), static_cast<uint16_t>(port[0] << 8 | port[1])});
  }
  return std::make_shared<const EndpointSet>(endpoints);
}

}  // namespace flowtap::decode
