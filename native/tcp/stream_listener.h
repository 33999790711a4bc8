// What reassembly tells of each TCP connection, in order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "decode/segment.h"

namespace flowtap::tcp {

/// One of the two ends of a connection: an index into ConnectionInfo's arrays. `Side` of data is the end that sent it.
using Side = uint8_t;  // 0 or 1
inline constexpr int8_t unknownSide = -1;
inline Side other(Side side) { return side ^ 1; }

/// Until open() a connection has a number from here on in place of its id: unlike any other, too.
inline constexpr uint64_t firstUnopenedId = uint64_t{1} << 39;

/// What listeners may know of a connection. One object lives from open() to close().
struct ConnectionInfo {
  uint64_t id : 40;           ///< 1, 2, … in the order in which the connections were first seen
  uint64_t handshakeUs : 24;  ///< from the SYN to its initiator's acknowledgment, at least 1 and at most 16.7 s; 0: not
                              ///< seen
  decode::Address address[2];
  uint16_t port[2];
  uint8_t ipVersion;
  int8_t initiator;  ///< the side that sent the SYN, unknownSide until and unless a SYN or SYN-ACK was seen
  uint16_t vlan;     ///< decode::noVlan without one
  int64_t openTimeNs;
  void* context = nullptr;  ///< belongs to the listener
};

/// Who sent a segment, as far as it is known.
struct Sender {
  ConnectionInfo* connection = nullptr;
  Side side = 0;
};

/// Why bytes are missing.
enum class GapCause : uint8_t {
  lost,       ///< never captured, though the other side acknowledged them or the sender went on
  truncated,  ///< on the wire, but cut off by the snap length
  evicted,    ///< captured, but given up because a buffer was full
};

enum class CloseReason : uint8_t {
  finished,  ///< both sides sent FIN
  reset,     ///< RST
  idle,      ///< nothing for idleTimeout
  evicted,   ///< given up because there were too many connections
  reused,    ///< the tuple began a new connection
  ended,     ///< the capture ended
};

/// Where bytes stand about which packets disagree.
enum class ConflictAt : uint8_t {
  next,      ///< exactly what the next data() brings
  handedOn,  ///< data() brought them before
};

/// Each direction's bytes arrive once, in order of stream offset; data() and gap() together cover the stream without
/// holes or overlaps. Offset 0 is the first byte after the SYN, or the first byte seen when the SYN was not captured.
/// Times are those of the packet that carried the bytes, in nanoseconds; they need not ascend. `bytes` is valid only
/// during the call.
///
/// Across directions the order is causal: bytes of one side are delivered only after everything of the other side that
/// the packet carrying them acknowledged, so a response never precedes the request that it answers.
class StreamListener {
 public:
  virtual ~StreamListener() = default;
  virtual void open(ConnectionInfo& connection, int64_t timeNs) = 0;
  virtual void data(ConnectionInfo& connection, Side side, uint64_t offset, const uint8_t* bytes, size_t length,
                    int64_t timeNs) = 0;
  virtual void gap(ConnectionInfo& connection, Side side, uint64_t offset, uint64_t length, GapCause cause,
                   int64_t timeNs) = 0;
  /// Two packets disagreed about these bytes; data() brings or brought those of the first. Comes only before end().
  virtual void conflict(ConnectionInfo& connection, Side side, uint64_t offset, uint64_t length, ConflictAt where) = 0;
  /// The side's FIN was reached: nothing follows in this direction.
  virtual void end(ConnectionInfo& connection, Side side, int64_t timeNs) = 0;
  /// The last call for this connection. Whatever was still buffered was delivered or declared a gap before.
  virtual void close(ConnectionInfo& connection, CloseReason reason, int64_t timeNs) = 0;
};

}  // namespace flowtap::tcp
