// One connection: when a hole becomes a gap.
#include <doctest/doctest.h>

#include "tcp_recorder.h"

using namespace flowtap;
using namespace flowtap::tcp;
using namespace flowtap::tcp::testing;

namespace {
constexpr int64_t ms = 1'000'000;
constexpr int64_t second = 1'000'000'000;
}  // namespace

TEST_CASE("a hole that was acknowledged is declared after reorderSegments") {
  Bench bench;
  bench.handshake();
  bench.send(0, "aaaa", 0, 0);
  bench.send(0, "cccc", 8, 0);
  bench.send(1, "", 0, 12);
  for (uint32_t i = 1; i < bench.options.reorderSegments; ++i) {
    bench.send(1, "", 0, 12);
    REQUIRE(bench.connection().gaps[0].empty());
  }
  bench.send(1, "", 0, 12);
  REQUIRE(bench.connection().gaps[0].size() == 1);
  CHECK(bench.connection().gaps[0][0].offset == 4);
  CHECK(bench.connection().gaps[0][0].length == 4);
  CHECK(bench.connection().gaps[0][0].cause == GapCause::lost);
  CHECK(bench.connection().bytes[0] == std::string("aaaa\0\0\0\0cccc", 12));
  SUBCASE("and what comes then is late") {
    bench.send(0, "bbbb", 4, 0);
    CHECK(bench.stats.tcp_lateBytes == 4);
    bench.send(0, "abbb", 3, 0);
    CHECK(bench.stats.tcp_lateBytes == 7);
    CHECK(bench.stats.tcp_duplicateBytes == 1);
  }
  bench.finish();
}

TEST_CASE("a hole that was acknowledged is declared after reorderNs, without another segment") {
  Bench bench;
  bench.handshake();
  bench.send(0, "cccc", 8, 0);
  bench.send(1, "", 0, 12);
  bench.later(900 * ms);
  CHECK(bench.connection().gaps[0].empty());
  bench.later(100 * ms);
  CHECK(bench.connection().gaps[0].size() == 1);
  bench.finish();
}

TEST_CASE("the tail that only the acknowledgment tells of is declared") {
  Bench bench;
  bench.handshake();
  bench.send(0, "aaaa", 0, 0);
  bench.send(1, "", 0, 104);
  bench.later(second);
  REQUIRE(bench.connection().gaps[0].size() == 1);
  CHECK(bench.connection().gaps[0][0].offset == 4);
  CHECK(bench.connection().gaps[0][0].length == 100);
  bench.send(0, "bbbb", 104, 0);
  CHECK(bench.connection().delivered[0] == 8);
  bench.finish();
}

TEST_CASE("a hole that nobody acknowledged waits for holeTimeoutNs") {
  Bench bench;
  bench.handshake();
  bench.send(0, "cccc", 8, 0);
  for (int i = 0; i < 100; ++i) bench.send(1, "", 0, 0);
  bench.later(2800 * ms);
  CHECK(bench.connection().gaps[0].empty());
  bench.later(200 * ms);
  CHECK(bench.connection().gaps[0].size() == 1);
  CHECK(bench.connection().delivered[0] == 4);
  bench.finish();
}

TEST_CASE("segments of other connections declare what is overdue here") {
  Bench bench;
  bench.handshake();
  bench.send(0, "cccc", 8, 0);
  bench.nowNs += 4 * second;
  bench.clientPort = 41000;
  bench.sendSyn(0);
  CHECK(bench.connection().gaps[0].size() == 1);
  bench.finish();
}

TEST_CASE("holes acknowledged at the same time are declared at the same time") {
  Bench bench;
  bench.handshake();
  for (int i = 1; i < 10; ++i) bench.send(0, "x", i * 10, 0);
  bench.send(1, "", 0, 91);
  bench.later(second);
  CHECK(bench.connection().gaps[0].size() == 9);
  CHECK(bench.connection().delivered[0] == 9);
  bench.finish();
}

TEST_CASE("of a hole only what was acknowledged is declared early") {
  Bench bench;
  bench.handshake();
  bench.send(0, "cccc", 100, 0);
  bench.send(1, "", 0, 50);
  bench.later(second);
  REQUIRE(bench.connection().gaps[0].size() == 1);
  CHECK(bench.connection().gaps[0][0].length == 50);
  bench.send(0, std::string(50, 'b'), 50, 0);
  CHECK(bench.connection().delivered[0] == 54);
  CHECK(bench.connection().gaps[0].size() == 1);
  bench.finish();
}

TEST_CASE("an absurd acknowledgment makes no gap") {
  Bench bench;
  bench.handshake();
  bench.send(0, "aaaa", 0, 0);
  bench.send(1, "", 0, 0x30000000);
  bench.send(1, "", 0, 0x60000000);
  bench.send(1, "", 0, 0x7f000000);
  bench.later(10 * second);
  bench.send(0, "bbbb", 4, 0);
  CHECK(bench.connection().bytes[0] == "aaaabbbb");
  SUBCASE("a big one that a second segment confirms does") {
    bench.send(1, "", 0, 20'000'000);
    bench.send(1, "", 0, 20'001'000);
    bench.later(second);
    REQUIRE(bench.connection().gaps[0].size() == 1);
    CHECK(bench.connection().gaps[0][0].length == 20'001'000 - 8);
  }
  bench.finish();
}

TEST_CASE("one stray segment far ahead makes no gap, two that agree do") {
  Bench bench;
  bench.handshake();
  bench.send(0, "aaaa", 0, 0);
  bench.send(0, "zzzz", 300'000'000, 0);
  bench.later(10 * second);
  bench.send(0, "bbbb", 4, 0);
  CHECK(bench.connection().bytes[0] == "aaaabbbb");
  CHECK(bench.stats.tcp_lateBytes == 4);
  bench.send(0, "yyyy", 300'000'004, 0);
  bench.later(10 * second);
  CHECK(bench.stats.tcp_missingBytes == 300'000'004 - 8);
  CHECK(bench.connection().delivered[0] == 12);
  bench.finish();
}

TEST_CASE("the FIN's number in an acknowledgment is not a missing byte") {
  Bench bench;
  bench.handshake();
  bench.send(0, "aaaa", 0, 0);
  bench.send(1, "bb", 0, 5);
  bench.later(10 * second);
  CHECK(bench.connection().log == " A4 B2");
  bench.send(1, "cc", 2, 5);
  CHECK(bench.connection().log == " A4 B2 B2");
  CHECK(bench.stats.tcp_missingBytes == 0);
  bench.finish();
}
