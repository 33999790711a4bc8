// Which connections are wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "decode/endpoint_set.h"
#include "decode/segment.h"

namespace flowtap::decode {

/// Selects segments by port, by address and by followed endpoints. Either end may match; an empty list selects
/// everything; of several all must hold.
class Selector {
 public:
  Selector(const std::vector<uint16_t>& ports, std::vector<Address> addresses);

  /// From now on only these, besides; null: no such restriction.
  void follow(std::shared_ptr<const EndpointSet> endpoints) { followed_ = std::move(endpoints); }

  bool selects(const Segment& segment) const {
    if (followed_ != nullptr && !isFollowed(segment)) return false;
    return isListed(segment);
  }
  /// Would be selected if its endpoints were followed.
  bool isListed(const Segment& segment) const {
    if (!ports_.empty() && !hasPort(segment.sourcePort) && !hasPort(segment.destinationPort)) return false;
    return addresses_.empty() || hasAddress(segment.source) || hasAddress(segment.destination);
  }

 private:
  bool isFollowed(const Segment& segment) const {
    return followed_->holds(segment.source, segment.sourcePort) ||
           followed_->holds(segment.destination, segment.destinationPort);
  }
  bool hasPort(uint16_t port) const { return ports_[port >> 6] >> (port & 63) & 1; }
  bool hasAddress(const Address& address) const {
    for (const Address& wanted : addresses_) {
      if (wanted == address) return true;
    }
    return false;
  }

  std::vector<uint64_t> ports_;  ///< a bit a port, or empty
  std::vector<Address> addresses_;
  std::shared_ptr<const EndpointSet> followed_;
};

}  // namespace flowtap::decode
