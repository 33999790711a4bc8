// The keyed hash of a connection's tuple.
#pragma once

#include <cstdint>

#include "decode/segment.h"

namespace flowtap::tcp {

/// Folded multiply as in wyhash, keyed with random bits so that nobody outside can choose tuples that collide. Both
/// directions of a connection hash alike because the two ends are mixed apart and then added: cheaper than sorting
/// them, without a branch.
class FlowHash {
 public:
  /// Draws the key from the system, once a process; all tables of the process share it.
  FlowHash();
  FlowHash(uint64_t first, uint64_t second) : first_(first), second_(second) {}

  uint32_t operator()(const decode::Address& source, uint16_t sourcePort, const decode::Address& destination,
                      uint16_t destinationPort, uint32_t scope) const {
    const uint64_t ends = end(source, sourcePort) + end(destination, destinationPort);
    const uint64_t mixed = fold(ends ^ second_, scope ^ first_ ^ 0x9e3779b97f4a7c15u);
    return static_cast<uint32_t>(mixed ^ (mixed >> 32));
  }
  uint32_t operator()(const decode::Segment& segment) const {
    return (*this)(segment.source, segment.sourcePort, segment.destination, segment.destinationPort, segment.scope);
  }

 private:
  static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  uint64_t end(const decode::Address& address, uint16_t port) const {
    // The port goes in by a multiple, or it could cancel out against bits of the address.
    const uint64_t inner = fold(address.words[0] ^ first_, address.words[1] ^ second_);
    return fold(inner ^ second_, (port * 0xa0761d6478bd642fu) ^ first_);
  }

  uint64_t first_;
  uint64_t second_;
};

}  // namespace flowtap::tcp
