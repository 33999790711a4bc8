// A listener that holds the reassembler to its contract, and a builder of segments. Shared by the tests and the fuzz
// target.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tcp/reassembler.h"

namespace flowtap::tcp::testing {

struct GapSeen {
  uint64_t offset;
  uint64_t length;
  GapCause cause;
};

/// What was told of one connection. Missing bytes stand as '\0' in `bytes`.
struct Told {
  uint64_t id = 0;
  ConnectionInfo info{};
  std::string bytes[2];
  std::vector<GapSeen> gaps[2];
  uint64_t delivered[2] = {0, 0};
  uint64_t position[2] = {0, 0};
  uint64_t conflictBytes[2] = {0, 0};
  bool ended[2] = {false, false};
  bool closed = false;
  CloseReason reason{};
  std::string log;  ///< "A3 B5 gA2 eA eB", for causal order
};

#define TCP_CHECK(condition)                                                                \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      std::fprintf(stderr, "%s:%d: contract broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                         \
    }                                                                                       \
  } while (0)

class Recorder : public StreamListener {
 public:
  bool keep = true;  ///< false: checks only, for floods
  std::vector<std::unique_ptr<Told>> all;
  uint64_t opens = 0;
  uint64_t closes = 0;
  uint64_t dataCalls = 0;
  uint64_t dataBytes = 0;
  uint64_t gapBytes = 0;
  std::map<CloseReason, uint64_t> reasons;

  void open(ConnectionInfo& connection, int64_t) override {
    ++opens;
    TCP_CHECK(connection.id == opens);
    TCP_CHECK(connection.context == nullptr);
    auto told = std::make_unique<Told>();
    told->id = connection.id;
    connection.context = told.get();
    if (keep) {
      all.push_back(std::move(told));
    } else {
      told.release();
    }
  }
  void data(ConnectionInfo& connection, Side side, uint64_t offset, const uint8_t* bytes, size_t length,
            int64_t) override {
    Told& told = check(connection, side);
    TCP_CHECK(length > 0);
    TCP_CHECK(offset == told.position[side]);
    told.position[side] += length;
    told.delivered[side] += length;
    ++dataCalls;
    dataBytes += length;
    if (!keep) return;
    told.bytes[side].append(reinterpret_cast<const char*>(bytes), length);
    told.log += (side == 0 ? " A" : " B") + std::to_string(length);
  }
  void gap(ConnectionInfo& connection, Side side, uint64_t offset, uint64_t length, GapCause cause, int64_t) override {
    Told& told = check(connection, side);
    TCP_CHECK(length > 0);
    TCP_CHECK(offset == told.position[side]);
    told.position[side] += length;
    gapBytes += length;
    if (!keep) return;
    TCP_CHECK(length < (1u << 30));
    if (length <= (1u << 24)) told.bytes[side].append(length, '\0');
    told.gaps[side].push_back({offset, length, cause});
    told.log += (side == 0 ? " gA" : " gB") + std::to_string(length);
  }
  void conflict(ConnectionInfo& connection, Side side, uint64_t offset, uint64_t length, ConflictAt where) override {
    Told& told = check(connection, side);
    TCP_CHECK(length > 0);
    if (where == ConflictAt::next) {
      TCP_CHECK(offset == told.position[side]);
    } else {
      TCP_CHECK(offset + length <= told.position[side]);
    }
    told.conflictBytes[side] += length;
    if (keep && where == ConflictAt::next) told.log += (side == 0 ? " cA" : " cB") + std::to_string(length);
  }
  void end(ConnectionInfo& connection, Side side, int64_t) override {
    Told& told = check(connection, side);
    told.ended[side] = true;
    if (keep) told.log += side == 0 ? " eA" : " eB";
  }
  void close(ConnectionInfo& connection, CloseReason reason, int64_t) override {
    TCP_CHECK(connection.context != nullptr);
    Told& told = *static_cast<Told*>(connection.context);
    TCP_CHECK(told.id == connection.id);
    TCP_CHECK(!told.closed);
    told.closed = true;
    told.reason = reason;
    told.info = connection;
    ++closes;
    ++reasons[reason];
    if (!keep) {
      connection.context = nullptr;
      delete &told;
    }
  }

 private:
  static Told& check(ConnectionInfo& connection, Side side) {
    TCP_CHECK(side < 2);
    TCP_CHECK(connection.context != nullptr);
    Told& told = *static_cast<Told*>(connection.context);
    TCP_CHECK(told.id == connection.id);
    TCP_CHECK(!told.closed);
    TCP_CHECK(!told.ended[side]);
    return told;
  }
};

inline bool accountsBalance(const Stats& stats) {
  return stats.tcp_payloadBytes == stats.tcp_deliveredBytes + stats.tcp_duplicateBytes + stats.tcp_conflictingBytes +
                                       stats.tcp_evictedBytes + stats.tcp_bufferedBytes &&
         stats.tcp_lateBytes <= stats.tcp_evictedBytes;
}

inline constexpr uint8_t fin = decode::control::fin;
inline constexpr uint8_t syn = decode::control::syn;
inline constexpr uint8_t rst = decode::control::rst;
inline constexpr uint8_t ack = decode::control::ack;

/// Side 0 is 10.0.0.1:40000, side 1 is 10.0.0.2:80 unless said otherwise.
inline decode::Segment segmentOf(Side from, uint8_t bits, uint32_t sequence, uint32_t acknowledgment,
                                 const std::string& payload = "", int64_t timeNs = 0, uint16_t clientPort = 40000) {
  const uint8_t client[4] = {10, 0, 0, 1};
  const uint8_t server[4] = {10, 0, 0, 2};
  decode::Segment segment{};
  segment.source = decode::Address::fromV4(from == 0 ? client : server);
  segment.destination = decode::Address::fromV4(from == 0 ? server : client);
  segment.sourcePort = from == 0 ? clientPort : 80;
  segment.destinationPort = from == 0 ? 80 : clientPort;
  segment.sequence = sequence;
  segment.acknowledgment = acknowledgment;
  segment.window = 65535;
  segment.controlBits = bits;
  segment.ipVersion = 4;
  segment.vlan = decode::noVlan;
  segment.payload = reinterpret_cast<const uint8_t*>(payload.data());
  segment.payloadLength = static_cast<uint32_t>(payload.size());
  segment.timestampNs = timeNs;
  return segment;
}

/// A reassembler with its listener, and a shorthand: relative numbers, a millisecond between segments, balance checked
/// after each.
struct Bench {
  ReassemblyOptions options;
  Recorder told;
  Stats stats;
  std::unique_ptr<Reassembler> reassembler;
  uint32_t isn[2] = {1000, 900000};
  int64_t nowNs = 1'700'000'000'000'000'000;
  uint16_t clientPort = 40000;

  explicit Bench(ReassemblyOptions with = {}) : options(with) { restart(); }
  void restart() { reassembler = std::make_unique<Reassembler>(options, told, stats); }

  void feed(const decode::Segment& segment) {
    reassembler->segment(segment);
    TCP_CHECK(accountsBalance(stats));
  }
  /// `at` and `acked` count from the first byte behind the SYN.
  void send(Side from, const std::string& payload, int64_t at, int64_t acked, uint8_t bits = ack,
            uint32_t truncated = 0) {
    nowNs += 1'000'000;
    const Side to = other(from);
    decode::Segment segment = segmentOf(from, bits, isn[from] + 1 + static_cast<uint32_t>(at),
                                        isn[to] + 1 + static_cast<uint32_t>(acked), payload, nowNs, clientPort);
    segment.truncatedLength = truncated;
    feed(segment);
  }
  void sendSyn(Side from, const std::string& payload = "") { send(from, payload, -1, -1, syn); }
  void sendSynAck(Side from, int64_t acked = 0) { send(from, "", -1, acked, syn | ack); }
  void handshake() {
    sendSyn(0);
    sendSynAck(1);
    send(0, "", 0, 0);
  }
  void later(int64_t ns) {
    nowNs += ns;
    reassembler->advance(nowNs);
    TCP_CHECK(accountsBalance(stats));
  }
  void finish() {
    reassembler->finish(nowNs);
    TCP_CHECK(accountsBalance(stats));
    TCP_CHECK(stats.tcp_bufferedBytes == 0);
    TCP_CHECK(told.opens == told.closes);
    TCP_CHECK(stats.tcp_connectionsOpened == told.opens);
    TCP_CHECK(stats.tcp_connectionsClosed == told.closes);
    TCP_CHECK(stats.tcp_deliveredBytes == told.dataBytes);
    TCP_CHECK(stats.tcp_missingBytes == told.gapBytes);
  }
  Told& connection(size_t number = 0) {
    TCP_CHECK(number < told.all.size());
    return *told.all[number];
  }
};

}  // namespace flowtap::tcp::testing
