// How the workers of one interface or file divide its connections among themselves.
#pragma once

#include <cstdint>
#include <string>

namespace flowtap::source {

/// One worker's part. A connection belongs to the worker that shareOf() names, by its innermost tuple alone, so that
/// both directions, fragments and everything in tunnels meet there.
struct Share {
  uint32_t index = 0;
  uint32_t count = 1;
  bool isWhole() const { return count == 1; }
};

inline constexpr uint32_t shareFactor = 0x9e3779b1;  // 2^32 by the golden ratio: spreads ports that follow each other

/// `addresses`: the exclusive or of the 32-bit words of both; `ports`: of both ports.
inline uint32_t shareOf(uint32_t addresses, uint32_t ports, uint32_t count) {
  return ((addresses + ports) * shareFactor >> 16) * count >> 16;
}

/// A BPF expression that rejects only plain, unfragmented TCP of other workers. Everything else passes: which
/// connection it holds is known when it is decoded. Empty when the share is everything.
std::string shareFilter(const Share& share);

}  // namespace flowtap::source
