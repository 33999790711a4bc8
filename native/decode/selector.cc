#include "decode/selector.h"

#include <utility>

namespace flowtap::decode {

Selector::Selector(const std::vector<uint16_t>& ports, std::vector<Address> addresses)
    : addresses_(std::move(addresses)) {
  if (ports.empty()) return;
  ports_.resize(65536 / 64);
  for (const uint16_t port : ports) ports_[port >> 6] |= uint64_t{1} << (port & 63);
}

}  // namespace flowtap::decode
