// Flow events: what reassembly tells, as records.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "delivery/flow_writer.h"
#include "delivery/mailbox.h"

using namespace flowtap;
using namespace flowtap::delivery;

namespace {

/// One event as a consumer reads it.
struct Event {
  FlowRecord record;
  Connection connection;
  std::string bytes;
};

std::vector<Event> eventsOf(const Batch& batch) {
  std::vector<uint64_t> buffer((batch.bufferSize() + 7) / 8);
  auto* start = reinterpret_cast<uint8_t*>(buffer.data());
  batch.write(start);
  BatchHeader header;
  std::memcpy(&header, start, sizeof header);
  std::vector<Event> events(header.recordCount);
  for (size_t i = 0; i < events.size(); i++) {
    FlowRecord& record = events[i].record;
    std::memcpy(&record, start + header.recordsOffset + i * sizeof record, sizeof record);
    REQUIRE(record.connectionOffset % 8 == 0);
    REQUIRE(record.connectionOffset + sizeof(Connection) <= header.recordsOffset);
    std::memcpy(&events[i].connection, start + record.connectionOffset, sizeof(Connection));
    if (record.kind == static_cast<uint8_t>(FlowKind::data)) {
      REQUIRE(record.bytesOffset + static_cast<size_t>(record.length) <= header.recordsOffset);
      events[i].bytes.assign(reinterpret_cast<const char*>(start) + record.bytesOffset,
                             static_cast<size_t>(record.length));
    }
  }
  return events;
}

/// "open", "data > 0+5", "gap < 5+3 lost", "end > 8", "close reset".
std::string describe(const Event& event) {
  static const char* const kinds[] = {"", "open", "data", "gap", "end", "close"};
  static const char* const causes[] = {"lost", "truncated", "evicted", "dropped"};
  static const char* const reasons[] = {"finished", "reset", "idle", "evicted", "reused", "ended"};
  const FlowRecord& record = event.record;
  const auto kind = static_cast<FlowKind>(record.kind);
  std::string text = kinds[record.kind];
  const auto number = [](double value) { return std::to_string(static_cast<uint64_t>(value)); };
  if (kind == FlowKind::data || kind == FlowKind::gap || kind == FlowKind::end) {
    text += record.direction == static_cast<uint8_t>(FlowDirection::clientToServer) ? " > " : " < ";
    text += number(record.offset);
  }
  if (kind == FlowKind::data || kind == FlowKind::gap) text += "+" + number(record.length);
  if (kind == FlowKind::gap) text += std::string(" ") + causes[record.cause];
  if (kind == FlowKind::close) text += std::string(" ") + reasons[record.reason];
  return text;
}

struct Fixture {
  explicit Fixture(WhenFull whenFull = WhenFull::wait, size_t maxBytes = 16u << 20,
                   std::vector<uint16_t> serverPorts = {})
      : mailbox(maxBytes),
        outbox(mailbox, whenFull, stats, [this] { rings++; }),
        writer(outbox, std::move(serverPorts), stats) {}

  static tcp::ConnectionInfo connection(uint64_t id, uint16_t port0 = 40000, uint16_t port1 = 80,
                                        int8_t initiator = tcp::unknownSide) {
    tcp::ConnectionInfo info{};
    info.id = id;
    info.port[0] = port0;
    info.port[1] = port1;
    info.ipVersion = 4;
    info.initiator = initiator;
    info.vlan = decode::noVlan;
    info.openTimeNs = 1000;
    return info;
  }
  void data(tcp::ConnectionInfo& info, tcp::Side side, uint64_t offset, const std::string& bytes, int64_t timeNs = 1) {
    writer.data(info, side, offset, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), timeNs);
  }
  /// Of everything that was handed over.
  std::vector<Event> events() {
    std::vector<Event> all;
    while (auto batch = mailbox.take()) {
      for (Event& event : eventsOf(*batch)) all.push_back(std::move(event));
      mailbox.recycle(std::move(batch));
    }
    return all;
  }
  std::vector<std::string> story() {
    std::vector<std::string> story;
    for (const Event& event : events()) story.push_back(describe(event));
    return story;
  }

  Stats stats;
  int rings = 0;
  Mailbox mailbox;
  Outbox outbox;
  FlowWriter writer;
};

using Story = std::vector<std::string>;

}  // namespace

TEST_CASE("delivery: flow records tell the story of a connection") {
  Fixture f;
  tcp::ConnectionInfo info = Fixture::connection(7, 40000, 80, 0);
  info.vlan = 12;
  f.writer.open(info, 1000);
  f.data(info, 0, 0, "hello", 1001);
  f.writer.gap(info, 0, 5, 3, tcp::GapCause::truncated, 1002);
  f.data(info, 1, 0, "world!", 1003);
  f.writer.end(info, 0, 1004);
  f.writer.end(info, 1, 1005);
  f.writer.close(info, tcp::CloseReason::finished, 1006);
  f.outbox.flush();
  CHECK(f.rings == 1);
  const std::vector<Event> events = f.events();
  Story story;
  for (size_t i = 0; i < events.size(); i++) {
    story.push_back(describe(events[i]));
    CHECK(events[i].record.timeNs == 1000 + static_cast<int64_t>(i));
    CHECK(events[i].record.connectionOffset == events[0].record.connectionOffset);
    CHECK(events[i].record.flags == 0);
  }
  CHECK(story ==
        Story{"open", "data > 0+5", "gap > 5+3 truncated", "data < 0+6", "end > 8", "end < 6", "close finished"});
  CHECK(events[1].bytes == "hello");
  CHECK(events[3].bytes == "world!");
  CHECK(events[0].connection.id == 7);
  CHECK(events[0].connection.clientPort == 40000);
  CHECK(events[0].connection.serverPort == 80);
  CHECK(events[0].connection.vlan == 12);
  CHECK(events[0].connection.handshakeSeen == 1);
  CHECK(f.stats.delivery_eventsDelivered == 7);
  CHECK(f.stats.delivery_eventsDropped == 0);
}

TEST_CASE("delivery: who is the client of a flow") {
  struct Case {
    uint16_t port[2];
    int8_t initiator;
    std::vector<uint16_t> serverPorts;
    uint16_t client;
    bool known;
  };
  const Case cases[] = {
      {{80, 40000}, 0, {}, 80, true},               // the handshake knows better than ports do
      {{80, 40000}, 1, {80}, 40000, true},          //
      {{80, 40000}, -1, {}, 40000, false},          // the lower port is the server
      {{40000, 80}, -1, {}, 40000, false},          //
      {{40000, 50051}, -1, {50051}, 40000, false},  // the selected one before that
      {{50051, 40000}, -1, {50051}, 40000, false},  //
      {{7000, 6000}, -1, {6000, 7000}, 7000, false},
      {{5000, 5000}, -1, {}, 5000, false},
  };
  for (const Case& one : cases) {
    Fixture f(WhenFull::wait, 1 << 20, one.serverPorts);
    tcp::ConnectionInfo info = Fixture::connection(1, one.port[0], one.port[1], one.initiator);
    f.writer.open(info, 1);
    // What is learnt later does not turn a flow around.
    info.initiator = 0;
    const tcp::Side client = info.port[0] == one.client ? 0 : 1;
    f.data(info, client, 0, "ask");
    f.data(info, tcp::other(client), 0, "answer");
    f.writer.close(info, tcp::CloseReason::ended, 2);
    f.outbox.flush();
    const std::vector<Event> events = f.events();
    REQUIRE(events.size() == 4);
    CHECK(events[0].connection.clientPort == one.client);
    CHECK(describe(events[1]) == "data > 0+3");
    CHECK(describe(events[2]) == "data < 0+6");
    if (one.known) CHECK(events[0].connection.handshakeSeen == 1);
  }
}

TEST_CASE("delivery: a conflict is marked where a flow closes") {
  Fixture f;
  tcp::ConnectionInfo info = Fixture::connection(1);
  f.writer.open(info, 1);
  f.data(info, 0, 0, "x");
  f.writer.conflict(info, 0, 1, 5, tcp::ConflictAt::next);
  f.writer.close(info, tcp::CloseReason::idle, 2);
  f.outbox.flush();
  const std::vector<Event> events = f.events();
  REQUIRE(events.size() == 3);
  CHECK(events[1].record.flags == 0);
  CHECK(events[2].record.flags == flow_flag::conflict);
}

TEST_CASE("delivery: batches of flow events stay small, and each has the endpoints") {
  Fixture f;
  tcp::ConnectionInfo info = Fixture::connection(9);
  f.writer.open(info, 1);
  const std::string piece(1448, 'p');
  for (uint64_t i = 0; i < 1000; i++) f.data(info, 0, i * piece.size(), piece);
  f.writer.close(info, tcp::CloseReason::ended, 1);
  f.outbox.flush();
  uint64_t next = 0;
  while (const auto batch = f.mailbox.take()) {
    CHECK(batch->records.size() <= 256);
    CHECK(batch->totalBytes() < 256 * 1024 + 2048);
    for (const Event& event : eventsOf(*batch)) {
      CHECK(event.connection.id == 9);
      if (event.bytes.empty()) continue;
      CHECK(event.record.offset == static_cast<double>(next));
      CHECK(event.bytes == piece);
      next += event.bytes.size();
    }
  }
  CHECK(next == 1000 * piece.size());
}

TEST_CASE("delivery: bytes larger than a batch cross in one event") {
  Fixture f;
  tcp::ConnectionInfo info = Fixture::connection(1);
  f.writer.open(info, 1);
  const std::string large(1u << 20, 'L');
  f.data(info, 1, 0, large);
  f.writer.close(info, tcp::CloseReason::ended, 1);
  f.outbox.flush();
  const std::vector<Event> events = f.events();
  REQUIRE(events.size() == 3);
  CHECK(events[1].bytes == large);
}

TEST_CASE("delivery: a full mailbox drops bytes of flows, which become one gap; opens, ends and closes are put off") {
  Fixture f(WhenFull::drop, 1);
  tcp::ConnectionInfo filler = Fixture::connection(1);
  tcp::ConnectionInfo known = Fixture::connection(2);
  tcp::ConnectionInfo closed = Fixture::connection(3);
  f.writer.open(filler, 1);
  f.writer.open(known, 1);
  f.data(known, 0, 0, "seen");
  f.writer.open(closed, 1);
  f.data(closed, 0, 0, "seen too");
  // One batch for the mailbox, and one that waits.
  uint64_t at = 0;
  while (f.stats.delivery_eventsDropped == 0) f.data(filler, 0, at++, "f");
  const uint64_t filled = at - 1;
  CHECK(f.stats.delivery_eventsDelivered == 512);
  CHECK(f.stats.delivery_eventBytesDropped == 1);

  f.data(known, 0, 4, "not", 2);
  f.writer.gap(known, 0, 7, 10, tcp::GapCause::lost, 3);
  f.data(known, 1, 0, "either", 4);
  f.writer.end(known, 1, 5);
  f.data(closed, 0, 8, "gone", 6);
  f.writer.end(closed, 0, 7);
  f.writer.close(closed, tcp::CloseReason::reset, 8);
  tcp::ConnectionInfo neverTold = Fixture::connection(4);
  f.writer.open(neverTold, 9);
  f.data(neverTold, 0, 0, "lost");
  f.writer.end(neverTold, 0, 9);
  f.writer.close(neverTold, tcp::CloseReason::reset, 9);
  tcp::ConnectionInfo late = Fixture::connection(5);
  f.writer.open(late, 10);
  CHECK(f.stats.delivery_eventsDelivered == 512);
  // filler, known twice and its gap, closed, and all four of neverTold.
  CHECK(f.stats.delivery_eventsDropped == 9);
  CHECK(f.stats.delivery_eventBytesDropped == 1 + 3 + 6 + 4 + 4);

  CHECK_FALSE(f.writer.tellOwed());
  REQUIRE(f.mailbox.take() != nullptr);
  CHECK(f.writer.tellOwed());
  REQUIRE(f.mailbox.take() != nullptr);
  f.data(known, 0, 17, "again", 11);
  f.data(late, 0, 0, "late", 12);
  f.writer.close(filler, tcp::CloseReason::ended, 13);
  f.outbox.flush();
  std::vector<std::string> story;
  for (const Event& event : f.events()) {
    story.push_back(std::to_string(static_cast<int>(event.connection.id)) + " " + describe(event) + " at " +
                    std::to_string(event.record.timeNs));
  }
  CHECK(story == Story{"3 gap > 8+4 dropped at 7", "3 end > 12 at 7", "3 close reset at 8", "2 gap > 4+13 dropped at 3",
                       "2 gap < 0+6 dropped at 5", "2 end < 6 at 5", "2 data > 17+5 at 11", "5 open at 1000",
                       "5 data > 0+4 at 12", "1 gap > " + std::to_string(filled) + "+1 dropped at 1",
                       "1 close ended at 13"});
}

TEST_CASE("delivery: at the end every flow that the consumer knows is closed, room or not") {
  Fixture f(WhenFull::drop, 1);
  std::vector<tcp::ConnectionInfo> known;
  for (uint64_t id = 1; id <= 400; id++) known.push_back(Fixture::connection(id));
  for (auto& info : known) f.writer.open(info, 1);
  uint64_t at = 0;
  while (f.stats.delivery_eventsDropped == 0) f.data(known[0], 0, at++, "f");
  for (auto& info : known) f.writer.close(info, tcp::CloseReason::ended, 2);
  f.writer.finish();
  f.outbox.flush();
  size_t opened = 0;
  size_t closed = 0;
  for (const Event& event : f.events()) {
    opened += event.record.kind == static_cast<uint8_t>(FlowKind::open);
    closed += event.record.kind == static_cast<uint8_t>(FlowKind::close);
  }
  CHECK(opened == 400);
  CHECK(closed == 400);
}

namespace {

/// A segment of a connection of the fixture, from its side 0 or 1.
decode::Segment segmentOf(const tcp::ConnectionInfo& info, tcp::Side side, uint32_t sequence, uint8_t bits,
                          uint32_t length = 0, int64_t timeNs = 1) {
  decode::Segment segment{};
  segment.source = info.address[side];
  segment.destination = info.address[tcp::other(side)];
  segment.sourcePort = info.port[side];
  segment.destinationPort = info.port[tcp::other(side)];
  segment.sequence = sequence;
  segment.controlBits = bits;
  segment.payloadLength = length;
  segment.timestampNs = timeNs;
  return segment;
}

decode::PacketNote packetOf(uint32_t wireLength, uint8_t address = 0) {
  decode::PacketNote packet{wireLength, wireLength - 1, {}};
  if (address != 0) {
    packet.link.hasSource = true;
    packet.link.source[5] = address;
  }
  return packet;
}

FlowCounts countsOf(const Batch& batch, uint32_t offset) {
  std::vector<uint64_t> buffer((batch.bufferSize() + 7) / 8);
  auto* start = reinterpret_cast<uint8_t*>(buffer.data());
  batch.write(start);
  FlowCounts counts;
  std::memcpy(&counts, start + offset, sizeof counts);
  return counts;
}

constexpr uint8_t syn = decode::control::syn;
constexpr uint8_t ack = decode::control::ack;
constexpr uint8_t fin = decode::control::fin;
constexpr uint8_t rst = decode::control::rst;

}  // namespace

TEST_CASE("delivery: packets are counted as tcpflow counts them") {
  const tcp::ConnectionInfo info = Fixture::connection(1);
  const auto take = [&info](FlowTally& tally, uint32_t sequence, uint8_t bits, uint32_t length = 0) {
    return tally.take(packetOf(100), segmentOf(info, 0, sequence, bits, length));
  };
  SUBCASE("from the SYN to the FIN, with what is empty and what is there again") {
    FlowTally tally;
    CHECK(take(tally, 99, syn));
    CHECK_FALSE(take(tally, 100, ack));
    take(tally, 100, ack, 10);
    take(tally, 110, ack, 10);
    take(tally, 100, ack, 10);  // again
    take(tally, 120, ack, 10);  // not behind that one, but that is no step back
    take(tally, 130, ack | fin);
    take(tally, 131, ack);  // of the other side's FIN
    take(tally, 130, ack | fin);
    CHECK(tally.counts().packets == 7);
    CHECK(tally.counts().bytes == 700);
    CHECK(tally.counts().capturedBytes == 693);
    CHECK(tally.counts().outOfOrder == 1);
    CHECK(tally.counts().violations == 0);
  }
  SUBCASE("a FIN that came early does not end it") {
    FlowTally tally;
    take(tally, 99, syn);
    take(tally, 110, ack | fin);
    take(tally, 100, ack, 10);
    CHECK(tally.counts().packets == 3);
    tally.finish();
    take(tally, 100, ack, 10);
    CHECK(tally.counts().packets == 3);
  }
  SUBCASE("without a SYN from the first bytes on, to a RST") {
    FlowTally tally;
    CHECK_FALSE(take(tally, 100, ack));
    CHECK(tally.counts().packets == 0);
    CHECK(take(tally, 100, ack, 10));
    take(tally, 90, ack, 10);  // from before
    take(tally, 110, rst);
    take(tally, 110, ack, 10);
    CHECK(tally.counts().packets == 3);
    CHECK(tally.counts().outOfOrder == 1);
    CHECK(tally.counts().violations == 0);
  }
  SUBCASE("violations: bytes with the SYN, and from before it") {
    FlowTally tally;
    take(tally, 99, syn, 5);
    take(tally, 95, ack, 5);
    take(tally, 105, ack, 5);
    CHECK(tally.counts().violations == 2);
    CHECK(tally.counts().outOfOrder == 0);
    CHECK(tally.counts().packets == 3);
  }
}

TEST_CASE("delivery: a segment counts for the connection that it opens, or has") {
  Fixture f;
  tcp::ConnectionInfo info = Fixture::connection(1);
  tcp::ConnectionInfo successor = Fixture::connection(2);
  const auto pass = [&f](const decode::Segment& segment, tcp::ConnectionInfo* known, const auto& reassembly) {
    f.writer.beforeSegment(segment, packetOf(60, 7), {known, 0});
    reassembly();
    f.writer.afterSegment();
  };
  const auto nothing = [] {};
  pass(segmentOf(info, 0, 99, syn), nullptr, [&] { f.writer.open(info, 1); });
  pass(segmentOf(info, 0, 99, syn), &info, nothing);  // the same again
  pass(segmentOf(info, 0, 100, ack), &info, nothing);
  pass(segmentOf(info, 0, 100, ack, 5), &info, [&] { f.data(info, 0, 0, "hello"); });
  // A SYN that begins another connection in its place.
  pass(segmentOf(info, 0, 5000, syn), &info, [&] {
    f.writer.close(info, tcp::CloseReason::reused, 2);
    f.writer.open(successor, 2);
  });
  pass(segmentOf(info, 0, 5001, rst), &successor, [&] { f.writer.close(successor, tcp::CloseReason::reset, 3); });
  // Of a connection that was closed, and is remembered.
  pass(segmentOf(info, 0, 5001, ack), &successor, nothing);
  f.outbox.flush();
  const auto batch = f.mailbox.take();
  REQUIRE(batch != nullptr);
  const std::vector<Event> events = eventsOf(*batch);
  REQUIRE(events.size() == 5);
  CHECK(describe(events[1]) == "data > 0+5");
  CHECK(events[1].record.flags == flow_flag::linkSource);
  CHECK(countsOf(*batch, events[2].record.bytesOffset).packets == 4);
  CHECK(countsOf(*batch, events[2].record.bytesOffset + sizeof(FlowCounts)).packets == 0);
  CHECK(countsOf(*batch, events[4].record.bytesOffset).packets == 2);
}
