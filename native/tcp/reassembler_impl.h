// What the files of the reassembler share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/connection_pool.h"
#include "tcp/flow_hash.h"
#include "tcp/flow_table.h"
#include "tcp/history.h"
#include "tcp/notes.h"
#include "tcp/packet_clock.h"
#include "tcp/page_pool.h"
#include "tcp/pending_pool.h"
#include "tcp/reassembler.h"
#include "tcp/sequence.h"

namespace flowtap::tcp {

/// Bytes that the snap length cut off. More than a datagram can hold is a lie of the capture; not all of it need be
/// believed.
inline uint32_t truncatedBytes(const decode::Segment& segment) {
  return std::min<uint32_t>(segment.truncatedLength, 1u << 20);
}
inline uint32_t lengthOnWire(const decode::Segment& segment) { return segment.payloadLength + truncatedBytes(segment); }

class Reassembler::Impl {
 public:
  Impl(const ReassemblyOptions& options, StreamListener& listener, Stats& stats);

  void prefetch(const decode::Segment& segment);
  void segment(const decode::Segment& segment);
  uint64_t connectionOf(const decode::Segment& segment) const;
  Sender senderOf(const decode::Segment& segment);
  void advance(int64_t nowNs);
  void finish(int64_t nowNs);

 private:
  using Segment = decode::Segment;

  // reassembler.cc: from segments to connections.
  uint32_t lookup(const Segment& segment, uint32_t hash, Side& side) const;
  void newcomer(const Segment& segment, uint32_t hash);
  void unusual(uint32_t index, Side side, const Segment& segment);
  void finNumber(Connection& connection, uint32_t index, Side side, const Segment& segment, uint64_t needs);
  void updateStanding(Connection& connection, uint32_t index);

  // handshake.cc: where streams begin, and begin anew.
  void startOver(Connection& connection, const Segment& segment);
  void open(Connection& connection, int64_t timeNs);
  enum class Verdict : uint8_t { goOn, ignore };
  Verdict synchronize(Connection& connection, uint32_t index, Side side, const Segment& segment);
  void adoptSyn(Connection& connection, Side side, const Segment& segment);
  void rebase(Connection& connection, Side side, uint32_t base);
  Verdict challenge(Connection& connection, uint32_t index, Side side, const Segment& segment);
  bool challengeConfirmed(Connection& connection, uint32_t index, Side side, const Segment& segment);
  void replace(Connection& connection, uint32_t index, const Segment& segment);
  bool handshakeDone(const Connection& connection) const;
  void finishHandshake(Connection& connection, Side initiator, int64_t timeNs);
  bool establish(Connection& connection, Side side, const Segment& segment);
  Verdict placeFar(Connection& connection, uint32_t index, Side side, const Segment& segment);
  Verdict straggler(Connection& connection, uint32_t index, Side side, const Segment& segment);
  void countStraggler(Connection& connection, Side side, const Segment& segment);
  void reset(Connection& connection, uint32_t index, Side side, const Segment& segment);

  // payload.cc: one segment's bytes.
  uint64_t acknowledge(Connection& connection, uint32_t index, Side target, uint32_t acknowledgment);
  void noteAckHint(Connection& connection, Side target, uint32_t acknowledgment);
  void payload(Connection& connection, uint32_t index, Side side, const Segment& segment, uint32_t sequence,
               uint64_t needs);
  void store(Connection& connection, uint32_t index, Side side, uint64_t offset, const uint8_t* bytes, uint32_t present,
             uint32_t truncated, uint64_t needs, int64_t timeNs);
  void compareWaiting(const Pending& pending, Piece& piece, uint64_t offset, const uint8_t* bytes, uint32_t length);
  void countOld(Connection& connection, Side side, int64_t offset, const uint8_t* bytes, uint32_t length, bool isProbe);
  uint64_t countConflicts(Connection& connection, Side side, uint64_t offset, const uint8_t* bytes, uint32_t length);
  uint64_t chargeFor(uint32_t length) const;
  bool fits(const Connection& connection, Side side, uint32_t length) const;
  bool makeRoom(Connection& connection, uint32_t index, Side side, uint32_t length);

  // delivery.cc: what leaves, in order.
  Pending& pendingOf(Connection& connection, uint32_t index, Side side);
  bool mayFollow(const Connection& connection, Side side, uint64_t needs) const;
  void deliver(Connection& connection, Side side, const uint8_t* bytes, uint32_t length, int64_t timeNs) {
    Direction& direction = connection.direction[side];
    const uint64_t offset = direction.next;
    direction.next += length;
    stats_.tcp_deliveredBytes += length;
    connection.flags =
        (connection.flags | flag::carriedData) & ~(of(side, side_flag::blind) | flag::finAcked(side)) & flag::all;
    listener_.data(connection.info, side, offset, bytes, length, timeNs);
    history_.keep(streamOf(connection, side), offset, bytes, length);
  }
  /// Of a sequence number behind or little before the next one; negative before the start.
  static int64_t offsetOf(const Connection& connection, Side side, uint32_t sequence) {
    const Direction& direction = connection.direction[side];
    const int64_t offset = static_cast<int64_t>(direction.next) + distance(sequence, direction.nextSequence());
    // The FIN takes a number, but no place in the stream.
    return connection.has(side, side_flag::ended) ? offset + 1 : offset;
  }
  static uint64_t streamOf(const Connection& connection, Side side) { return connection.info.id * 2 + side; }
  void deliverPiece(Connection& connection, Side side, const Piece& piece, const uint8_t* bytes);
  /// Captured, but their place in the stream is past, or there is none.
  void countLate(uint64_t bytes) {
    stats_.tcp_lateBytes += bytes;
    stats_.tcp_evictedBytes += bytes;
  }
  void gap(Connection& connection, Side side, uint64_t length, GapCause cause, int64_t timeNs);
  void endSide(Connection& connection, Side side, int64_t timeNs);
  void drain(Connection& connection);
  bool drainSide(Connection& connection, Side side);
  bool breakCycle(Connection& connection);
  bool declareHole(Connection& connection, Side side, int64_t timeNs);
  void declareDue(Connection& connection, int64_t timeNs);
  bool isDue(const Pending& pending, Moment since, bool acked) const;
  int64_t deadline(const Pending& pending, uint64_t next) const;
  void tidy(Connection& connection, Side side);
  void settle(Connection& connection, uint32_t index, int64_t timeNs);
  void flush(Connection& connection, int64_t timeNs);
  void releasePending(Connection& connection, Side side);
  void close(Connection& connection, CloseReason reason, int64_t timeNs);

  // expiry.cc: what time and caps take away.
  uint32_t allocate();
  void forget(uint32_t index);
  void evictOne();
  void evictFrom(Standing standing);
  void runDue(int64_t timeNs, uint32_t visits);
  bool visitFront(Standing standing, int64_t timeNs);
  uint64_t chargedBytes() const;
  uint64_t chargedBytes(const Pending& pending) const;
  bool relieve(int64_t timeNs);

  void enqueue(uint32_t index, Standing standing);

  ReassemblyOptions options_;
  StreamListener& listener_;
  Stats& stats_;
  FlowHash hash_;
  FlowTable table_;
  ConnectionPool connections_;
  PendingPool pendings_;
  PagePool pages_;
  Notes notes_;
  History history_;
  PacketClock clock_;
  uint64_t lastId_ = 0;
  uint64_t lastUnopened_ = 0;
  uint64_t arrivals_ = 0;  ///< segments so far
  int64_t nextDueNs_ = INT64_MAX;
  int64_t visitEveryNs_;  ///< how often a connection is looked at to see whether it is idle
  uint32_t current_ = 0;  ///< connection of the segment in hand
  int64_t packetNs_ = 0;  ///< time of the packet in hand, as it says

  // Segments that were announced: found in the table one half of the way, their listener's memory later.
  struct Announced {
    uint32_t hash;
    uint32_t index;
  };
  static constexpr uint32_t announcedKept = 16;
  Announced announced_[announcedKept] = {};
  uint32_t announcedCount_ = 0;
};

/// How long a closed connection is remembered, so that late copies of its last segments do not look like a new one.
inline constexpr int64_t rememberClosedNs = 30'000'000'000;
inline constexpr uint32_t maxClosedRemembered = 16384;

}  // namespace flowtap::tcp
