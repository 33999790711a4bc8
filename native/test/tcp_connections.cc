// Many connections: where they begin, how they are told apart, when they are let go.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "tcp/connection_pool.h"
#include "tcp/flow_hash.h"
#include "tcp/flow_table.h"
#include "tcp_recorder.h"

using namespace flowtap;
using namespace flowtap::tcp;
using namespace flowtap::tcp::testing;

namespace {
constexpr int64_t second = 1'000'000'000;
}

TEST_CASE("data on a SYN begins the stream") {
  Bench bench;
  bench.sendSyn(0, "GET /");
  bench.sendSynAck(1, 5);
  bench.send(0, " HTTP", 5, 0);
  CHECK(bench.connection().bytes[0] == "GET / HTTP");
  bench.sendSyn(0, "GET /");
  CHECK(bench.stats.tcp_duplicateBytes == 5);
  bench.finish();
}

TEST_CASE("whose segment it is can be asked while its connection is known") {
  Bench bench;
  const auto idOf = [&bench](Side from) {
    return bench.reassembler->connectionOf(segmentOf(from, ack, 0, 0, "", 0, bench.clientPort));
  };
  CHECK(idOf(0) == 0);
  bench.send(0, "", 0, 0);
  const uint64_t before = idOf(0);
  CHECK(before >= firstUnopenedId);
  CHECK(idOf(1) == before);
  bench.send(1, "a", 0, 0);
  CHECK(idOf(0) == 1);
  bench.send(0, "", 0, 1, rst | ack);
  CHECK(bench.stats.tcp_connectionsClosed == 1);
  CHECK(idOf(1) == 1);
  bench.clientPort++;
  bench.send(0, "", 0, 0);
  CHECK(idOf(0) > before);
  bench.sendSyn(0);
  CHECK(idOf(0) == 2);
  bench.clientPort--;
  bench.later(60 * second);
  CHECK(idOf(0) == 0);
  bench.finish();
}

TEST_CASE("both sides may open at once") {
  Bench bench;
  bench.sendSyn(0);
  bench.sendSyn(1);
  bench.sendSynAck(0);
  bench.sendSynAck(1);
  bench.send(0, "a", 0, 0);
  bench.send(1, "b", 0, 1);
  CHECK(bench.told.opens == 1);
  CHECK(bench.connection().log == " A1 B1");
  bench.finish();
}

TEST_CASE("the SYN-ACK tells who began and where the other stream begins") {
  Bench bench;
  bench.sendSynAck(1);
  bench.send(0, "second", 5, 0);
  bench.send(0, "first", 0, 0);
  CHECK(uint64_t{bench.connection().info.id} == 0);  // filled at close
  CHECK(bench.connection().bytes[1] == "firstsecond");
  bench.finish();
  CHECK(bench.connection().info.initiator == 1);
}

TEST_CASE("a SYN that was overtaken belongs to the connection") {
  Bench bench;
  SUBCASE("by the SYN-ACK") {
    bench.sendSynAck(1, 5);
    bench.sendSyn(0, "early");
    bench.send(0, "later", 5, 0);
    CHECK(bench.connection().bytes[1] == "earlylater");
  }
  SUBCASE("by data") {
    bench.send(0, "data", 0, 0);
    bench.sendSyn(0);
    bench.send(0, "more", 4, 0);
    CHECK(bench.connection().bytes[0] == "datamore");
  }
  CHECK(bench.told.opens == 1);
  bench.finish();
  CHECK(bench.connection().info.initiator != unknownSide);
}

TEST_CASE("mid-stream the peer's acknowledgment tells where the stream goes on") {
  Bench bench;
  SUBCASE("from a bare acknowledgment: swapped segments come out in order") {
    bench.send(1, "", 0, 1000);
    CHECK(bench.told.opens == 0);
    bench.send(0, "second", 1005, 0);
    bench.send(0, "first", 1000, 0);
    CHECK(bench.connection().bytes[1] == "firstsecond");
  }
  SUBCASE("too far behind it the first segment begins") {
    bench.send(1, "", 0, 1000);
    bench.send(0, "second", 1000 + 65536, 0);
    CHECK(bench.connection().bytes[1] == "second");
  }
  SUBCASE("already acknowledged: begins where it stands") {
    bench.send(1, "answer", 0, 1000);
    bench.send(0, "ask", 997, 0);
    CHECK(bench.connection().log == " A6 B3");
  }
  SUBCASE("bare segments of the side itself tell nothing") {
    bench.send(0, "", 999, 0);
    bench.send(0, "abc", 1000, 0);
    bench.send(0, "", 1002, 0);
    bench.send(0, "def", 1003, 0);
    CHECK(bench.connection().bytes[0] == "abcdef");
  }
  bench.finish();
  CHECK(bench.stats.tcp_gaps == 0);
}

TEST_CASE("a stream does not begin with a keep-alive probe's garbage byte") {
  Bench bench;
  SUBCASE("known by the acknowledgment") {
    bench.send(1, "x", 0, 1000);
    bench.send(0, "g", 999, 1);
  }
  SUBCASE("known by its value") { bench.send(0, std::string("\0", 1), 999, 1); }
  bench.send(0, "request", 1000, 1);
  const Told& told = bench.connection();
  CHECK(told.bytes[told.bytes[0] == "request" ? 0 : 1] == "request");
  CHECK(bench.stats.tcp_keepAliveProbes == 1);
  CHECK(bench.stats.tcp_lateBytes == 1);
  bench.finish();
}

TEST_CASE("segments that say nothing of a stream open nothing") {
  Bench bench;
  bench.send(0, "", 0, 0, rst);
  bench.send(0, "", 0, 0, ack | fin);
  bench.send(0, "", 0, 0, ack);
  bench.later(1000 * second);
  bench.finish();
  CHECK(bench.told.opens == 0);
}

TEST_CASE("the same tuple in different scopes is not the same connection") {
  Bench bench;
  const std::string text = "abc";
  for (uint32_t scope = 0; scope < 3; ++scope) {
    decode::Segment segment = segmentOf(0, ack, 1, 1, text);
    segment.scope = scope;
    bench.feed(segment);
  }
  CHECK(bench.told.opens == 3);
  bench.finish();
}

TEST_CASE("a port that is used again is a new connection") {
  Bench bench;
  bench.handshake();
  bench.send(0, "old", 0, 0);
  SUBCASE("after both FINs") {
    bench.send(0, "", 3, 0, ack | fin);
    bench.send(1, "", 0, 4, ack | fin);
    CHECK(bench.connection().reason == CloseReason::finished);
    bench.isn[0] += 5'000'000;
    bench.isn[1] += 7'000'000;
    bench.handshake();
    bench.send(0, "new", 0, 0);
  }
  SUBCASE("after one FIN") {
    bench.send(0, "", 3, 0, ack | fin);
    bench.isn[0] += 5'000'000;
    bench.isn[1] += 7'000'000;
    bench.handshake();
    CHECK(bench.connection().reason == CloseReason::reused);
    bench.send(0, "new", 0, 0);
  }
  SUBCASE("of a living connection, once the SYN was answered") {
    bench.isn[0] += 5'000'000;
    bench.isn[1] += 7'000'000;
    bench.sendSyn(0);
    CHECK(!bench.connection().closed);
    bench.sendSynAck(1);
    CHECK(bench.connection().reason == CloseReason::reused);
    bench.send(0, "new", 0, 0);
  }
  SUBCASE("of a living connection, once data goes on from the SYN") {
    bench.isn[0] += 5'000'000;
    bench.sendSyn(0);
    bench.send(0, "new", 0, 0);
    CHECK(bench.connection().reason == CloseReason::reused);
  }
  SUBCASE("of a living connection, seen by the SYN-ACK alone") {
    bench.isn[0] += 5'000'000;
    bench.isn[1] += 7'000'000;
    bench.sendSynAck(1);
    CHECK(!bench.connection().closed);
    bench.send(0, "new", 0, 0);
    CHECK(bench.connection().reason == CloseReason::reused);
  }
  SUBCASE("whose SYN was not captured: two segments of other numbers in both directions") {
    bench.isn[0] += 1'500'000'000;
    bench.isn[1] += 1'700'000'000;
    bench.send(0, "lost", 0, 0);
    bench.send(0, "new", 4, 0);
    CHECK(bench.connection().reason == CloseReason::reused);
  }
  REQUIRE(bench.told.all.size() == 2);
  CHECK(bench.connection(0).bytes[0] == "old");
  CHECK(bench.connection(1).bytes[0] == "new");
  bench.finish();
}

TEST_CASE("a stray SYN does not end a connection that lives on") {
  Bench bench;
  bench.handshake();
  bench.send(0, "one", 0, 0);
  bench.feed(segmentOf(0, syn, 77777777, 0, "", bench.nowNs));
  bench.send(1, "two", 0, 3);
  bench.send(0, "three", 3, 3);
  CHECK(bench.told.opens == 1);
  CHECK(bench.connection().bytes[0] == "onethree");
  CHECK(bench.connection().bytes[1] == "two");
  bench.finish();
}

TEST_CASE("a SYN sent again is the same connection, with another number a new one") {
  Bench bench;
  bench.sendSyn(0);
  bench.sendSyn(0);
  CHECK(bench.told.opens == 1);
  bench.isn[0] += 99999;
  bench.sendSyn(0);
  CHECK(bench.told.opens == 2);
  CHECK(bench.connection().reason == CloseReason::reused);
  bench.finish();
}

TEST_CASE("stragglers of a closed connection open nothing") {
  Bench bench;
  bench.handshake();
  bench.send(0, "ask", 0, 0);
  bench.send(1, "answer", 0, 3, ack | fin);
  bench.send(0, "", 3, 7, ack | fin);
  CHECK(bench.connection().closed);
  bench.send(1, "answer", 0, 3, ack | fin);
  bench.send(0, "", 3, 7, ack | fin);
  bench.send(1, "", 7, 4);
  bench.send(0, "ask", 0, 0);
  bench.sendSynAck(1);
  bench.sendSyn(0);
  bench.send(0, "", 4, 7, rst);
  CHECK(bench.told.opens == 1);
  CHECK(bench.stats.tcp_duplicateBytes == 9);
  bench.finish();
  CHECK(bench.told.opens == 1);
}

TEST_CASE("a forged RST: whoever sent it goes on, so does the conversation") {
  Bench bench;
  bench.handshake();
  bench.send(0, "", 0, 0, ack | rst);
  CHECK(bench.connection().reason == CloseReason::reset);
  bench.send(0, "ask", 0, 0);
  bench.send(1, "answer", 0, 3);
  REQUIRE(bench.told.all.size() == 2);
  CHECK(bench.connection(1).log == " A3 B6");
  bench.finish();
}

TEST_CASE("idle connections expire") {
  ReassemblyOptions options;
  options.idleTimeoutNs = 80 * second;
  Bench bench(options);
  bench.handshake();
  bench.send(0, "cc", 10, 0);
  for (int i = 0; i < 60; ++i) bench.later(second);
  bench.send(0, "dd", 12, 0);
  for (int i = 0; i < 79; ++i) bench.later(second);
  CHECK(!bench.connection().closed);
  for (int i = 0; i < 11; ++i) bench.later(second);
  CHECK(bench.connection().closed);
  CHECK(bench.connection().reason == CloseReason::idle);
  CHECK(bench.stats.tcp_connectionsExpired == 1);
  bench.finish();
}

TEST_CASE("the least recently active is evicted, those without data first") {
  ReassemblyOptions options;
  options.maxConnections = 4;
  Bench bench(options);
  const auto with = [&bench](uint16_t port, const std::string& text, int64_t at) {
    bench.clientPort = port;
    bench.send(0, text, at, 0);
  };
  for (uint16_t port : {1001, 1002, 1003, 1004}) with(port, "a", 0);
  with(1001, "b", 1);
  with(1005, "a", 0);
  CHECK(bench.connection(1).closed);
  CHECK(bench.connection(1).reason == CloseReason::evicted);
  CHECK(!bench.connection(0).closed);
  CHECK(bench.stats.tcp_connectionsEvicted == 1);
  for (uint16_t port : {2001, 2002, 2003}) {
    bench.clientPort = port;
    bench.sendSyn(0);
  }
  with(1001, "c", 2);
  CHECK(bench.connection(0).bytes[0] == "abc");
  CHECK(bench.stats.tcp_connectionsEvicted == 4);  // 1003, then two SYNs by the next SYN
  bench.finish();
}

TEST_CASE("the end of the capture closes in the order of opening") {
  Bench bench;
  for (uint16_t port = 1; port <= 50; ++port) {
    bench.clientPort = port;
    bench.handshake();
    bench.send(0, "x", 10, 0);
  }
  bench.finish();
  CHECK(bench.told.reasons[CloseReason::ended] == 50);
  for (const auto& told : bench.told.all) CHECK(told->delivered[0] == 1);
}

TEST_CASE("a SYN flood stays within the cap and leaves those that are followed alone") {
  ReassemblyOptions options;
  options.maxConnections = 100'000;
  options.idleTimeoutNs = 3600 * second;
  Bench bench(options);
  bench.told.keep = false;
  constexpr int followed = 2000;
  const auto each = [&](auto&& action) {
    for (int i = 0; i < followed; ++i) {
      bench.clientPort = static_cast<uint16_t>(1024 + i);
      action();
    }
  };
  each([&] {
    bench.handshake();
    bench.send(0, "before", 0, 0);
  });
  decode::Segment flood = segmentOf(0, syn, 0, 0);
#ifdef __SANITIZE_ADDRESS__
  constexpr uint32_t sources = 400'000;
#else
  constexpr uint32_t sources = 2'000'000;
#endif
  for (uint32_t i = 0; i < sources; ++i) {
    flood.source.words[1] = 0x1234567890abcdefu + uint64_t{i} * 2654435761u;
    flood.sequence = i * 12345;
    flood.timestampNs = bench.nowNs += 1000;
    bench.reassembler->segment(flood);
  }
  each([&] { bench.send(0, " after", 6, 0); });
  CHECK(bench.stats.tcp_deliveredBytes == followed * 12u);
  CHECK(bench.told.opens == sources + followed);
  CHECK(bench.told.opens - bench.told.closes == options.maxConnections);
  CHECK(bench.stats.tcp_connectionsEvicted == sources + followed - options.maxConnections);
  bench.finish();
}

TEST_CASE("the hash spreads neighbouring tuples, alike in both directions, and differs by key") {
  const FlowHash hash;
  const FlowHash keyed(12345, 67890);
  constexpr uint32_t buckets = 4096;
  std::vector<uint32_t> load(buckets, 0);
  std::set<uint32_t> distinct;
  int same = 0;
  constexpr int tuples = 100'000;
  for (int i = 0; i < tuples; ++i) {
    decode::Segment there = segmentOf(0, ack, 0, 0, "", 0, static_cast<uint16_t>(i));
    there.destination.words[1] ^= static_cast<uint64_t>(i >> 16) << 56;
    decode::Segment back = there;
    std::swap(back.source, back.destination);
    std::swap(back.sourcePort, back.destinationPort);
    const uint32_t value = hash(there);
    REQUIRE(value == hash(back));
    if (value == keyed(there)) ++same;
    ++load[value & (buckets - 1)];
    distinct.insert(value);
  }
  double chi = 0;
  const double expected = static_cast<double>(tuples) / buckets;
  for (uint32_t count : load) chi += (count - expected) * (count - expected) / expected;
  // Chi-squared with 4095 degrees of freedom: five standard deviations.
  CHECK(std::abs(chi - (buckets - 1)) < 5 * std::sqrt(2.0 * buckets));
  CHECK(distinct.size() > tuples - 20);
  CHECK(same < 5);
}

TEST_CASE("the table finds what was put in while it grows and shrinks") {
  FlowTable table;
  std::vector<uint32_t> hashes(60'001);
  uint32_t state = 1;
  const auto random = [&state] { return state = state * 1664525 + 1013904223; };
  std::set<uint32_t> in;
  for (int round = 0; round < 200'000; ++round) {
    const uint32_t index = random() / 7 % 60'000 + 1;
    if (in.insert(index).second) {
      hashes[index] = random() % 5 == 0 ? index % 16 : random();  // with long chains
      table.insert(hashes[index], index);
    } else if (round % 3 != 0) {
      in.erase(index);
      table.erase(hashes[index], index);
    }
  }
  CHECK(table.size() == in.size());
  for (uint32_t index = 1; index <= 60'000; ++index) {
    const uint32_t found = table.find(hashes[index], [index](uint32_t each) { return each == index; });
    REQUIRE((found == index) == (in.count(index) == 1));
  }
}

TEST_CASE("an idle connection takes few bytes") { CHECK(sizeof(Connection) == 128); }
