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
}

/// One event of a connection. 8-byte aligned, a multiple of 8 bytes.
struct FlowRecord {
  int64_t timeNs;             ///< of the packet that brought it
  double offset;              ///< data, gap: stream offset of the first byte; end: bytes of the whole stream
  double length;              ///< data, gap
  uint32_t connectionOffset;  ///< of the Connection
  uint32_t bytesOffset;       ///< data: in the arena
  uint8_t kind;               ///< FlowKind
  uint8_t direction;          ///< data, gap, end: FlowDirection
  uint8_t cause;              ///< gap: FlowGapCause
  uint8_t reason;             ///< close: tcp::CloseReason
  uint16_t flags;             ///< flow_flag::
  uint16_t reserved;
};
static_assert(sizeof(FlowRecord) == 40 && alignof(FlowRecord) == 8);

}  // namespace flowtap::delivery
