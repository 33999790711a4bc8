// Unaligned loads of integers in either byte order.
#pragma once

#include <cstdint>
#include <cstring>

namespace flowtap::source {

/// `swapped`: the bytes are in the order that is not this machine's.
template <bool swapped>
inline uint16_t load16(const uint8_t* from) {
  uint16_t value;
  std::memcpy(&value, from, sizeof value);
  return swapped ? __builtin_bswap16(value) : value;
}

template <bool swapped>
inline uint32_t load32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return swapped ? __builtin_bswap32(value) : value;
}

template <bool swapped>
inline uint64_t load64(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return swapped ? __builtin_bswap64(value) : value;
}

}  // namespace flowtap::source
