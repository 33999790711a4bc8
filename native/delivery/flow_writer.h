// Turns what reassembly tells of connections into records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "delivery/flow_record.h"
#include "delivery/flow_tally.h"
#include "delivery/outbox.h"
#include "http/pool.h"
#include "stats.h"
#include "tcp/stream_listener.h"

namespace flowtap::delivery {

/// When there is no room, bytes and gaps are dropped and counted. What the consumer sees is still the whole story of a
/// connection: open, then in each direction data and gaps that cover the stream without holes or overlaps, ends, close.
/// What was dropped in between appears as one gap (FlowGapCause::dropped) as soon as there is room; opens, ends and
/// closes are only put off. A connection of which nothing was told before it closed is dropped as a whole.
///
/// Memory for what is put off: a Flow for each connection, and an Owed for each of those that the consumer knows and
/// that closed meanwhile. As nothing is opened to the consumer while there is no room, that is bounded by the
/// connections that were open when it began.
class FlowWriter final : public tcp::StreamListener {
 public:
  /// `serverPorts`: where no handshake was seen, the end with one of these is the server.
  FlowWriter(Outbox& outbox, std::vector<uint16_t> serverPorts, Stats& stats);

  /// Around each segment that reassembly is given. `whose`: the connection that has it so far, and the side that sent
  /// it.
  void beforeSegment(const decode::Segment& segment, const decode::PacketNote& packet, const tcp::Sender& whose);
  void afterSegment();

  void open(tcp::ConnectionInfo& connection, int64_t timeNs) override;
  void data(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, const uint8_t* bytes, size_t length,
            int64_t timeNs) override;
  void gap(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length, tcp::GapCause cause,
           int64_t timeNs) override;
  void conflict(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length,
                tcp::ConflictAt where) override;
  void end(tcp::ConnectionInfo& connection, tcp::Side side, int64_t timeNs) override;
  void close(tcp::ConnectionInfo& connection, tcp::CloseReason reason, int64_t timeNs) override;

  /// Tells of connections that closed while there was no room, as far as there is now. False: not all.
  bool tellOwed();
  /// The same for all of them, room or not: nothing follows.
  void finish();

 private:
  /// What the consumer was told of a connection.
  struct Flow {
    FlowTally tally[2];
    decode::LinkAddresses link[2];
    bool linkOwed[2];
    uint64_t told[2];          ///< the stream up to here
    uint64_t dropped[2];       ///< and so many bytes behind it were dropped
    int64_t droppedTimeNs[2];  ///< the last thing that was
    uint32_t batchNumber;      ///< the batch that has the connection's endpoints
    uint32_t connectionOffset;
    tcp::Side client;
    bool openTold;
    bool endOwed[2];
    bool conflict;
    bool owes;  ///< any of what precedes
  };
  /// A connection that closed.
  struct Owed {
    Connection connection;
    Flow flow;
    tcp::CloseReason reason;
    int64_t timeNs;
  };

  static Flow& flowOf(tcp::ConnectionInfo& connection) { return *static_cast<Flow*>(connection.context); }
  tcp::Side clientOf(const tcp::ConnectionInfo& connection) const;
  bool isServerPort(uint16_t port) const;
  void count(Flow& flow, tcp::Side side);
  bool prepare(tcp::ConnectionInfo& connection, Flow& flow);
  void settle(Flow& flow, int64_t openTimeNs);
  void drop(Flow& flow, tcp::Side side, uint64_t length, int64_t timeNs);
  void tellClosed(Owed& owed);
  FlowRecord& add(FlowKind kind, const Flow& flow, int64_t timeNs);
  FlowRecord& add(FlowKind kind, const Flow& flow, tcp::Side side, int64_t timeNs);
  void addGap(Flow& flow, tcp::Side side, uint64_t offset, uint64_t length, FlowGapCause cause, int64_t timeNs);
  void addEnd(Flow& flow, tcp::Side side, int64_t timeNs);
  void addLink(FlowRecord& record, Flow& flow, tcp::Side side);
  void addClose(const Flow& flow, tcp::CloseReason reason, int64_t timeNs);

  Outbox& outbox_;
  const std::vector<uint16_t> serverPorts_;
  Stats& stats_;
  http::Pool<Flow> flows_;
  std::deque<Owed> owed_;
  // The segment in hand, as long as it is not counted.
  const decode::Segment* segment_ = nullptr;
  decode::PacketNote packet_ = {};
  tcp::Sender whose_;  ///< of a SYN: it may begin another connection
};

}  // namespace flowtap::delivery
