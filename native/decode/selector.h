// Which connections are wanted.
#pragma once

#include <cstdint>
#include <vector>

#include "decode/segment.h"

namespace flowtap::decode {

/// Selects segments by port and by address. Either end may match; an empty list selects everything; of two lists both
/// must hold.
class Selector {
 public:
  Selector(const std::vector<uint16_t>& ports, std::vector<Address> addresses);

  bool selects(const Segment& segment) const {
    if (!ports_.empty() && !hasPort(segment.sourcePort) && !hasPort(segment.destinationPort)) return false;
    return addresses_.empty() || hasAddress(segment.source) || hasAddress(segment.destination);
  }

 private:
  bool hasPort(uint16_t port) const { return ports_[port >> 6] >> (port & 63) & 1; }
  bool hasAddress(const Address& address) const {
    for (const Address& wanted : addresses_) {
      if (wanted == address) return true;
    }
    return false;
  }

  std::vector<uint64_t> ports_;  ///< a bit a port, or empty
  std::vector<Address> addresses_;
};

}  // namespace flowtap::decode
