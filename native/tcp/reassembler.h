// From segments to ordered bytes: the connection table and everything in it.
#pragma once

#include <cstdint>
#include <memory>

#include "decode/segment.h"
#include "stats.h"
#include "tcp/stream_listener.h"

namespace flowtap::tcp {

struct ReassemblyOptions {
  uint32_t maxConnections = 1'000'000;     ///< the least recently active is evicted
  uint64_t maxBufferedBytes = 256u << 20;  ///< out-of-order bytes in all connections, with the memory around them
  uint64_t maxBufferedBytesPerDirection = 4u << 20;
  int64_t idleTimeoutNs = 300'000'000'000;  ///< packet time; closes at most an eighth later
  /// A hole that the other side has acknowledged is declared a gap when so many more segments of the connection, or so
  /// much packet time, have passed: reordering can no longer fill it.
  uint32_t reorderSegments = 32;
  int64_t reorderNs = 1'000'000'000;
  /// A hole that nobody acknowledged is declared after this much packet time.
  int64_t holeTimeoutNs = 3'000'000'000;
};

class Reassembler {
 public:
  Reassembler(const ReassemblyOptions& options, StreamListener& listener, Stats& stats);
  ~Reassembler();
  Reassembler(const Reassembler&) = delete;
  Reassembler& operator=(const Reassembler&) = delete;

  /// A hint that this segment comes soon: brings its place in the connection table near.
  void prefetch(const decode::Segment& segment) const;
  void segment(const decode::Segment& segment);
  /// Whose segment it is, or was while its connection was closed: an id; see firstUnopenedId. 0 when it is nobody's.
  uint64_t connectionOf(const decode::Segment& segment) const;
  /// The connection that the segment would go to, closed or not opened as it may be; valid until the next call.
  Sender senderOf(const decode::Segment& segment);
  /// Packet time, or the clock while a live interface is silent: declares what is overdue and closes what is idle.
  void advance(int64_t nowNs);
  /// The capture is over: gives out what is buffered, declares the holes, closes every connection with
  /// CloseReason::ended.
  void finish(int64_t nowNs);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowtap::tcp
