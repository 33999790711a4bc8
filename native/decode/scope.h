// The hash that keeps equal tuples in different VLANs and tunnels apart.
#pragma once

#include <cstdint>

#include "decode/segment.h"

namespace flowtap::decode {

/// What went into a scope. Only what is the same in both directions may: no tunnel endpoint ids of the receiver (GTP,
/// L2TP), no MPLS labels.
enum class ScopeKind : uint8_t { vlan = 1, vni, serviceInstance, ipPair };

inline uint64_t mixBits(uint64_t value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93u;
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93u;
  return value ^ value >> 32;
}

/// Never 0.
inline uint32_t extendScope(uint32_t scope, ScopeKind kind, uint64_t id) {
  const uint64_t mixed = mixBits(mixBits(id + (uint64_t{static_cast<uint8_t>(kind)} << 56)) + scope);
  const auto folded = static_cast<uint32_t>(mixed ^ mixed >> 32);
  return folded == 0 ? 1 : folded;
}

/// The two ends of an IP tunnel, in either order.
inline uint32_t extendScope(uint32_t scope, const Address& a, const Address& b) {
  const uint64_t hashA = mixBits(mixBits(a.words[0] + 1) + a.words[1]);
  const uint64_t hashB = mixBits(mixBits(b.words[0] + 1) + b.words[1]);
  return extendScope(scope, ScopeKind::ipPair, (hashA + hashB) & 0x00ffffffffffffffu);
}

}  // namespace flowtap::decode
