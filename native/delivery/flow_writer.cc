#include "delivery/flow_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace flowtap::delivery {

FlowWriter::FlowWriter(Outbox& outbox, std::vector<uint16_t> serverPorts, Stats& stats)
    : outbox_(outbox), serverPorts_(std::move(serverPorts)), stats_(stats) {}

bool FlowWriter::isServerPort(uint16_t port) const {
  return std::find(serverPorts_.begin(), serverPorts_.end(), port) != serverPorts_.end();
}

tcp::Side FlowWriter::clientOf(const tcp::ConnectionInfo& connection) const {
  if (connection.initiator != tcp::unknownSide) return static_cast<tcp::Side>(connection.initiator);
  const bool selected[2] = {isServerPort(connection.port[0]), isServerPort(connection.port[1])};
  if (selected[0] != selected[1]) return selected[0] ? 1 : 0;
  // Ephemeral ports are the high ones. With equal ports it is whoever was seen first.
  return connection.port[0] < connection.port[1] ? 1 : 0;
}

void FlowWriter::beforeSegment(const decode::Segment& segment, const decode::PacketNote& packet,
                               const tcp::Sender& whose) {
  segment_ = &segment;
  packet_ = packet;
  whose_ = whose;
  if (whose.connection == nullptr || whose.connection->context == nullptr)
    whose_.connection = nullptr;
  else if ((segment.controlBits & decode::control::syn) == 0)
    count(flowOf(*whose.connection), whose.side);
}

void FlowWriter::afterSegment() {
  if (segment_ != nullptr && whose_.connection != nullptr) count(flowOf(*whose_.connection), whose_.side);
  segment_ = nullptr;
}

void FlowWriter::count(Flow& flow, tcp::Side side) {
  if (flow.tally[side].take(packet_, *segment_)) {
    flow.link[side] = packet_.link;
    flow.linkOwed[side] = packet_.link.hasSource || packet_.link.hasDestination;
  }
  segment_ = nullptr;
}

void FlowWriter::open(tcp::ConnectionInfo& connection, int64_t timeNs) {
  Flow& flow = *flows_.acquire();
  flow = Flow{};
  flow.client = clientOf(connection);
  flow.owes = true;
  connection.context = &flow;
  if (segment_ != nullptr) {
    const bool isFirst = connection.port[0] == segment_->sourcePort && connection.address[0] == segment_->source;
    count(flow, isFirst ? 0 : 1);
  }
  // The open itself is what is owed.
  prepare(connection, flow);
}

void FlowWriter::data(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, const uint8_t* bytes,
                      size_t length, int64_t timeNs) {
  Flow& flow = flowOf(connection);
  if (!prepare(connection, flow)) {
    stats_.delivery_eventBytesDropped += length;
    drop(flow, side, length, timeNs);
    return;
  }
  FlowRecord& record = add(FlowKind::data, flow, side, timeNs);
  record.offset = static_cast<double>(offset);
  record.length = static_cast<double>(length);
  record.bytesOffset = outbox_.append(bytes, length);
  addLink(record, flow, side);
  flow.told[side] = offset + length;
}

void FlowWriter::gap(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length,
                     tcp::GapCause cause, int64_t timeNs) {
  Flow& flow = flowOf(connection);
  if (!prepare(connection, flow)) {
    drop(flow, side, length, timeNs);
    return;
  }
  addGap(flow, side, offset, length, static_cast<FlowGapCause>(cause), timeNs);
}

void FlowWriter::conflict(tcp::ConnectionInfo& connection, tcp::Side, uint64_t, uint64_t, tcp::ConflictAt) {
  flowOf(connection).conflict = true;
}

void FlowWriter::end(tcp::ConnectionInfo& connection, tcp::Side side, int64_t timeNs) {
  Flow& flow = flowOf(connection);
  flow.tally[side].finish();
  if (!prepare(connection, flow)) {
    flow.endOwed[side] = true;
    flow.droppedTimeNs[side] = timeNs;
    flow.owes = true;
    return;
  }
  addEnd(flow, side, timeNs);
}

void FlowWriter::close(tcp::ConnectionInfo& connection, tcp::CloseReason reason, int64_t timeNs) {
  Flow& flow = flowOf(connection);
  if (prepare(connection, flow)) {
    addClose(flow, reason, timeNs);
  } else if (flow.openTold) {
    owed_.push_back({connectionEntry(connection, flow.client), flow, reason, timeNs});
  } else {
    stats_.delivery_eventsDropped += uint64_t{2} + flow.endOwed[0] + flow.endOwed[1];
  }
  flows_.release(&flow);
  connection.context = nullptr;
  if (whose_.connection == &connection) whose_.connection = nullptr;
}

/// Room for an event of this connection, and what precedes it is told.
bool FlowWriter::prepare(tcp::ConnectionInfo& connection, Flow& flow) {
  if (!owed_.empty() && !tellOwed()) return false;
  if (!outbox_.makeRoom()) return false;
  if (flow.batchNumber != outbox_.batchNumber()) {
    flow.connectionOffset = outbox_.append(connectionEntry(connection, flow.client));
    flow.batchNumber = outbox_.batchNumber();
  }
  if (flow.owes) settle(flow, connection.openTimeNs);
  return true;
}

void FlowWriter::settle(Flow& flow, int64_t openTimeNs) {
  if (!flow.openTold) add(FlowKind::open, flow, openTimeNs);
  flow.openTold = true;
  for (tcp::Side side : {tcp::Side{0}, tcp::Side{1}}) {
    if (flow.dropped[side] != 0) {
      addGap(flow, side, flow.told[side], flow.dropped[side], FlowGapCause::dropped, flow.droppedTimeNs[side]);
      flow.dropped[side] = 0;
    }
    if (flow.endOwed[side]) {
      addEnd(flow, side, flow.droppedTimeNs[side]);
      flow.endOwed[side] = false;
    }
  }
  flow.owes = false;
}

void FlowWriter::drop(Flow& flow, tcp::Side side, uint64_t length, int64_t timeNs) {
  stats_.delivery_eventsDropped++;
  flow.dropped[side] += length;
  flow.droppedTimeNs[side] = timeNs;
  flow.owes = true;
}

bool FlowWriter::tellOwed() {
  while (!owed_.empty()) {
    if (!outbox_.makeRoom()) return false;
    tellClosed(owed_.front());
    owed_.pop_front();
  }
  return true;
}

void FlowWriter::finish() {
  for (Owed& owed : owed_) {
    outbox_.forceRoom();
    tellClosed(owed);
  }
  owed_.clear();
}

void FlowWriter::tellClosed(Owed& owed) {
  owed.flow.connectionOffset = outbox_.append(owed.connection);
  if (owed.flow.owes) settle(owed.flow, owed.connection.openTimeNs);
  addClose(owed.flow, owed.reason, owed.timeNs);
}

FlowRecord& FlowWriter::add(FlowKind kind, const Flow& flow, int64_t timeNs) {
  stats_.delivery_eventsDelivered++;
  FlowRecord& record = outbox_.records().add<FlowRecord>();
  record.timeNs = timeNs;
  record.connectionOffset = flow.connectionOffset;
  record.kind = static_cast<uint8_t>(kind);
  return record;
}

FlowRecord& FlowWriter::add(FlowKind kind, const Flow& flow, tcp::Side side, int64_t timeNs) {
  FlowRecord& record = add(kind, flow, timeNs);
  record.direction =
      static_cast<uint8_t>(side == flow.client ? FlowDirection::clientToServer : FlowDirection::serverToClient);
  return record;
}

void FlowWriter::addGap(Flow& flow, tcp::Side side, uint64_t offset, uint64_t length, FlowGapCause cause,
                        int64_t timeNs) {
  FlowRecord& record = add(FlowKind::gap, flow, side, timeNs);
  record.offset = static_cast<double>(offset);
  record.length = static_cast<double>(length);
  record.cause = static_cast<uint8_t>(cause);
  addLink(record, flow, side);
  flow.told[side] = offset + length;
}

void FlowWriter::addEnd(Flow& flow, tcp::Side side, int64_t timeNs) {
  FlowRecord& record = add(FlowKind::end, flow, side, timeNs);
  record.offset = static_cast<double>(flow.told[side]);
  addLink(record, flow, side);
}

/// Once a direction.
void FlowWriter::addLink(FlowRecord& record, Flow& flow, tcp::Side side) {
  if (!flow.linkOwed[side]) return;
  flow.linkOwed[side] = false;
  const decode::LinkAddresses& link = flow.link[side];
  const uint32_t at = outbox_.append(link.source, sizeof link.source);
  outbox_.append(link.destination, sizeof link.destination);
  if (record.kind != static_cast<uint8_t>(FlowKind::data)) record.bytesOffset = at;
  if (link.hasSource) record.flags |= flow_flag::linkSource;
  if (link.hasDestination) record.flags |= flow_flag::linkDestination;
}

void FlowWriter::addClose(const Flow& flow, tcp::CloseReason reason, int64_t timeNs) {
  FlowRecord& record = add(FlowKind::close, flow, timeNs);
  record.reason = static_cast<uint8_t>(reason);
  if (flow.conflict) record.flags = flow_flag::conflict;
  const FlowCounts counts[2] = {flow.tally[flow.client].counts(), flow.tally[tcp::other(flow.client)].counts()};
  std::memcpy(outbox_.extendAligned(sizeof counts, record.bytesOffset), counts, sizeof counts);
}

}  // namespace flowtap::delivery
