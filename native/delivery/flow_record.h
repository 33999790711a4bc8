// The layout of the records of a batch of flow events; the batch itself and its Connection entries are those of
// record.h. lib/flows/flow-records.ts is the only other place that knows it, and checks it at load.
#pragma once

#include <cstdint>

#include "tcp/stream_listener.h"

namespace flowtap::delivery {

enum class FlowKind : uint8_t { open = 1, data, gap, end, close };

enum class FlowDirection : uint8_t { clientToServer, serverToClient };

/// tcp::GapCause, and what only delivery can do to bytes.
enum class FlowGapCause : uint8_t {
  lost,
  truncated,
  evicted,
  dropped,  ///< the consumer was too slow
};
static_assert(static_cast<int>(FlowGapCause::lost) == static_cast<int>(tcp::GapCause::lost));
static_assert(static_cast<int>(FlowGapCause::truncated) == static_cast<int>(tcp::GapCause::truncated));
static_assert(static_cast<int>(FlowGapCause::evicted) == static_cast<int>(tcp::GapCause::evicted));

/// Bits of FlowRecord::flags.
namespace flow_flag {
inline constexpr uint16_t conflict = 1u << 0;  ///< close: packets disagreed about bytes of the connection
/// The first of data, gap and end in a direction: behind its bytes in the arena, or at bytesOffset where it has none,
/// are the addresses of the first packet's link header, 6 bytes of the sender's and 6 of the receiver's. Which are
/// known:
inline constexpr uint16_t linkSource = 1u << 1;
inline constexpr uint16_t linkDestination = 1u << 2;
}  // namespace flow_flag

/// One event of a connection. 8-byte aligned, a multiple of 8 bytes.
struct FlowRecord {
  int64_t timeNs;             ///< of the packet that brought it
  double offset;              ///< data, gap: stream offset of the first byte; end: bytes of the whole stream
  double length;              ///< data, gap
  uint32_t connectionOffset;  ///< of the Connection
  uint32_t bytesOffset;       ///< data: in the arena; close: of two FlowCounts, the client's and the server's
  uint8_t kind;               ///< FlowKind
  uint8_t direction;          ///< data, gap, end: FlowDirection
  uint8_t cause;              ///< gap: FlowGapCause
  uint8_t reason;             ///< close: tcp::CloseReason
  uint16_t flags;             ///< flow_flag::
  uint16_t reserved;
};
static_assert(sizeof(FlowRecord) == 40 && alignof(FlowRecord) == 8);

/// Of the packets that one end sent: from its SYN, or from its first bytes when that was not seen, to its FIN or RST.
struct FlowCounts {
  int64_t firstTimeNs;   ///< 0 when there was no packet, as everything here
  int64_t lastTimeNs;    ///< of the last one
  double packets;        ///< also those without payload, and copies
  double bytes;          ///< of all of them on the wire, with their headers
  double capturedBytes;  ///< of them
  uint32_t outOfOrder;   ///< packets whose payload began before the end of that of the packet before
  uint32_t violations;   ///< SYNs with payload, and packets with payload from before the beginning of the stream
};
static_assert(sizeof(FlowCounts) == 48 && alignof(FlowCounts) == 8);

}  // namespace flowtap::delivery
