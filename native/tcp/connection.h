// Everything remembered of a connection while nothing waits: two cache lines.
#pragma once

#include <cstdint>

#include "tcp/stream_listener.h"

namespace flowtap::tcp {

/// What the sequence numbers of one side mean. The rest (holes, bytes that wait) is in a Pending, only while there is
/// any.
struct Direction {
  uint64_t next = 0;  ///< offset of the next byte to deliver
  uint32_t base = 0;  ///< sequence number of offset 0; one more once the FIN was delivered, because that takes a number
                      ///< too. While the base is not known: the peer's last acknowledgment, if any
  uint32_t pending = 0;  ///< index of its Pending, 0 without one

  uint32_t nextSequence() const { return base + static_cast<uint32_t>(next); }
};

/// Flags of one side in Connection::flags; those of side 1 are shifted by sideShift.
namespace side_flag {
inline constexpr uint32_t baseKnown = 1u << 0;
inline constexpr uint32_t ackHint = 1u << 1;  ///< base holds the peer's last acknowledgment
inline constexpr uint32_t synSeen = 1u << 2;  ///< the base is that of a SYN
inline constexpr uint32_t seen = 1u << 3;     ///< at least one segment of this side was captured
inline constexpr uint32_t ended = 1u << 4;    ///< FIN delivered
inline constexpr uint32_t blind1 = 1u << 5;   ///< two bits: gaps declared in a row without a byte seen
inline constexpr uint32_t blind2 = 1u << 6;
inline constexpr uint32_t blind = blind1 | blind2;
inline constexpr uint32_t hadGap = 1u << 7;
inline constexpr uint32_t sideShift = 8;
}  // namespace side_flag

/// Flags of the connection as a whole.
namespace flag {
inline constexpr uint32_t opened = 1u << 16;      ///< open() was called
inline constexpr uint32_t closed = 1u << 17;      ///< close() was called; kept for a while to know stragglers by
inline constexpr uint32_t challenged = 1u << 18;  ///< a SYN with another number was seen, see Note
inline constexpr uint32_t resetBy0 = 1u << 19;
inline constexpr uint32_t resetBy1 = 1u << 20;
inline constexpr uint32_t carriedData = 1u << 21;
inline constexpr uint32_t resetDue = 1u << 22;  ///< a RST was reached
inline constexpr uint32_t finAcked0 =
    1u << 24;  ///< the peer acknowledged one number more than was seen: taken for a FIN's
inline constexpr uint32_t finAcked1 = 1u << 25;
inline constexpr uint32_t answered = 1u << 23;  ///< the initiator answered the SYN-ACK
inline constexpr uint32_t all = (1u << 28) - 1;
inline constexpr uint32_t finAcked(Side side) { return side == 0 ? finAcked0 : finAcked1; }
inline constexpr uint32_t resetBy(Side side) { return side == 0 ? resetBy0 : resetBy1; }
}  // namespace flag

inline constexpr uint32_t of(Side side, uint32_t sideFlag) { return sideFlag << (side * side_flag::sideShift); }

/// The lists by which connections are found when they are idle or there are too many, in the order in which they go.
enum class Standing : uint8_t {
  closed,    ///< only remembered
  halfOpen,  ///< no handshake, no data: what a SYN flood leaves behind
  silent,    ///< handshake, no data yet
  active,    ///< carried data
  count,
};

struct alignas(64) Connection {
  ConnectionInfo info;
  Direction direction[2];
  int64_t activeNs;  ///< the last segment
  int64_t queuedNs;  ///< when it was last put at the end of its list
  uint32_t previous;
  uint32_t following;
  uint32_t scope;
  uint32_t flags : 28;
  uint32_t standing : 4;

  bool has(uint32_t bits) const { return (flags & bits) != 0; }
  bool has(Side side, uint32_t sideFlag) const { return (flags & of(side, sideFlag)) != 0; }
  void set(Side side, uint32_t sideFlag) { flags |= of(side, sideFlag); }
  void clear(Side side, uint32_t sideFlag) { flags &= ~of(side, sideFlag) & flag::all; }
};
static_assert(sizeof(Connection) == 128);

}  // namespace flowtap::tcp
