// Names of header fields, whatever their case (RFC 9110, 5.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flowtap::text {

inline uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte; }

inline bool isContentEncoding(const uint8_t* name, size_t length) {
  constexpr std::string_view wanted = "content-encoding";
  if (length != wanted.size()) return false;
  for (size_t i = 0; i < length; i++)
    if (static_cast<uint8_t>(wanted[i]) != lower(name[i])) return false;
  return true;
}

}  // namespace flowtap::text
