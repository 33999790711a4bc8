// What one step through the bytes of a capture file gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace flowtap::source {

enum class ParseStatus : uint8_t {
  full,      ///< the burst is full; there may be more packets in the bytes
  needMore,  ///< every whole record of the bytes was used
  damaged,   ///< the bytes after `consumed` cannot be a record; final
};

struct ParseResult {
  ParseStatus status;
  size_t consumed;  ///< bytes at the front that need not be presented again once the packets were used
  size_t count;     ///< packets in the burst
};

/// An interface of a capture file. A classic file has one.
struct CaptureInterface {
  uint32_t linkType;  ///< LINKTYPE_ value
  uint32_t snaplen;   ///< 0 when the file names no limit
};

/// Timestamps are kept in 0 .. 2^62-1 ns (1970 to 2116), so that the difference of any two of them cannot overflow.
inline constexpr int64_t maxTimestampNs = (int64_t{1} << 62) - 1;

}  // namespace flowtap::source
