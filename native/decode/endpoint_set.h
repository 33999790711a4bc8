// A set of endpoints, looked at for each packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "decode/segment.h"

namespace flowtap::decode {

struct Endpoint {
  Address address;
  uint16_t port;
};

/// Never changes, so that threads can hand it to each other. All of 127.0.0.0/8 counts as one address: who listens on
/// every address is asked on any of them.
class EndpointSet {
 public:
  explicit EndpointSet(const std::vector<Endpoint>& endpoints);

  bool holds(const Address& address, uint16_t port) const {
    // Almost always no, and that is told by the port alone.
    return (ports_[port >> 6] >> (port & 63) & 1) != 0 && find(address, port);
  }

 private:
  bool find(const Address& address, uint16_t port) const;

  std::vector<uint64_t> ports_;      ///< a bit a port
  std::vector<Endpoint> endpoints_;  ///< sorted
};

/// Written for the way between languages: 16 bytes of address, IPv4 as an IPv4-mapped one, and two of port, all in
/// network order.
inline constexpr size_t writtenEndpointSize = 18;

/// A remainder at the end is left out.
std::shared_ptr<const EndpointSet> readEndpoints(const uint8_t* bytes, size_t length);

}  // namespace flowtap::decode
