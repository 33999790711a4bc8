// Arithmetic on wrapped 32-bit sequence numbers (RFC 9293, 3.4).
#pragma once

#include <cstdint>

namespace flowtap::tcp {

/// How far `a` lies behind `b` in sequence space, negative when it lies before it. Right while they are less than 2^31
/// apart.
inline int32_t distance(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b); }

/// Nobody can have more in flight than this: the largest window that window scaling allows (RFC 7323, 2.3).
inline constexpr int64_t maxWindowBytes = int64_t{1} << 30;

/// Sequence numbers and acknowledgments that jump further than this beyond everything seen are believed only when a
/// second segment agrees: one stray segment must not make a gap of half a gigabyte.
inline constexpr int64_t maxUnconfirmedJumpBytes = int64_t{64} << 20;
inline constexpr int64_t maxUnconfirmedAckBytes = int64_t{1} << 20;

/// Two segments this near to each other agree about where the stream is.
inline constexpr int64_t nearBytes = int64_t{1} << 20;

/// Without a SYN, a direction starts at the peer's last acknowledgment when the first data segment lies at most this
/// far behind it: room for one offloaded segment or some 45 ordinary ones that were overtaken. Further away, what lies
/// between is more likely to have been in flight before the capture began.
inline constexpr int64_t maxStartHoleBytes = 65536;

/// A RST is believed up to this far behind the next byte expected (the capture may have missed the end of the stream).
inline constexpr int64_t resetWindowBytes = int64_t{1} << 20;

}  // namespace flowtap::tcp
