// One connection: causal order of its two directions, ends, what is odd in them, limits.
#include <doctest/doctest.h>

#include "tcp_recorder.h"

using namespace flowtap;
using namespace flowtap::tcp;
using namespace flowtap::tcp::testing;

namespace {
constexpr int64_t second = 1'000'000'000;
}  // namespace

TEST_CASE("a response waits for the request that it acknowledges") {
  Bench bench;
  bench.handshake();
  SUBCASE("which then comes") {
    bench.send(1, "response", 0, 7);
    CHECK(bench.connection().log == "");
    bench.send(0, "request", 0, 0);
    CHECK(bench.connection().log == " A7 B8");
  }
  SUBCASE("which comes in parts") {
    bench.send(1, "response", 0, 7);
    bench.send(1, " and more", 8, 7);
    bench.send(0, "uest", 3, 0);
    bench.send(0, "req", 0, 0);
    CHECK(bench.connection().bytes[0] == "request");
    CHECK(bench.connection().bytes[1] == "response and more");
    CHECK(bench.connection().log == " A3 A4 B8 B9");
  }
  SUBCASE("which was lost") {
    bench.send(1, "response", 0, 7);
    bench.later(second);
    CHECK(bench.connection().log == " gA7 B8");
  }
  SUBCASE("and so does its FIN") {
    bench.send(1, "", 0, 7, ack | fin);
    CHECK(!bench.connection().ended[1]);
    bench.send(0, "request", 0, 0);
    CHECK(bench.connection().log == " A7 eB");
  }
  SUBCASE("and so does a RST") {
    bench.send(1, "", 0, 7, ack | rst);
    CHECK(!bench.connection().closed);
    bench.send(0, "request", 0, 0);
    CHECK(bench.connection().bytes[0] == "request");
    CHECK(bench.connection().reason == CloseReason::reset);
    CHECK(bench.connection().closed);
  }
  bench.finish();
}

TEST_CASE("two directions that wait for each other come to an end") {
  Bench bench;
  bench.handshake();
  // The first sending of "request" was not captured; it is sent again after the response and acknowledges that.
  bench.send(1, "response", 0, 7);
  bench.send(0, "request", 0, 8);
  CHECK(bench.connection().log == " A7 B8");
  // Both have holes and both acknowledge more than was seen.
  bench.send(0, "x", 17, 18);
  bench.send(1, "y", 18, 17);
  bench.later(second);
  CHECK(bench.connection().delivered[0] == 8);
  CHECK(bench.connection().delivered[1] == 9);
  CHECK(bench.stats.tcp_bufferedBytes == 0);
  bench.finish();
}

TEST_CASE("a capture of one direction never waits") {
  Bench bench;
  SUBCASE("with the SYN-ACK") {
    bench.sendSynAck(1);
    bench.send(1, "one", 0, 100);
    bench.send(1, "two", 3, 200);
    CHECK(bench.connection().bytes[1 - 1] == "onetwo");  // the first seen is side 0
    CHECK(bench.connection().info.initiator == 0);
  }
  SUBCASE("from mid-stream") {
    bench.send(1, "one", 0, 100);
    bench.send(1, "two", 3, 200);
    CHECK(bench.connection().bytes[0] == "onetwo");
  }
  CHECK(bench.stats.tcp_gaps == 0);
  bench.finish();
  CHECK(bench.connection().closed);
  CHECK(bench.connection().reason == CloseReason::ended);
}

TEST_CASE("a side that stopped being captured delays the other no more after three gaps") {
  Bench bench;
  bench.handshake();
  int64_t asked = 0;
  int64_t answered = 0;
  for (int i = 0; i < 5; ++i) {
    asked += 100;
    bench.send(1, "answer", answered, asked);
    answered += 6;
    if (i < 3) bench.later(second);
    CHECK(bench.connection().delivered[1] == static_cast<uint64_t>(answered));
  }
  bench.send(0, "here again", asked, answered);
  CHECK(bench.connection().delivered[0] == 10);
  // From here on it is worth waiting for again.
  bench.send(1, "answer", answered, asked + 110);
  CHECK(bench.connection().delivered[1] == static_cast<uint64_t>(answered));
  bench.finish();
}

TEST_CASE("keep-alive probes are counted and change nothing") {
  Bench bench;
  bench.handshake();
  bench.send(0, "abc", 0, 0);
  bench.send(0, "", 2, 0);
  bench.send(0, std::string("\0", 1), 2, 0);
  bench.send(1, "", 0, 3);
  bench.send(0, "def", 3, 0);
  CHECK(bench.connection().bytes[0] == "abcdef");
  CHECK(bench.stats.tcp_keepAliveProbes == 2);
  CHECK(bench.stats.tcp_retransmittedSegments == 0);
  bench.finish();
}

TEST_CASE("a zero-window probe carries the next byte, which is sent again") {
  Bench bench;
  bench.handshake();
  bench.send(0, "abc", 0, 0);
  bench.send(0, "d", 3, 0);
  bench.send(1, "", 0, 3);
  bench.send(0, "d", 3, 0);
  bench.send(1, "", 0, 3);
  bench.send(0, "def", 3, 0);
  CHECK(bench.connection().bytes[0] == "abcdef");
  CHECK(bench.stats.tcp_duplicateBytes == 2);
  bench.finish();
}

TEST_CASE("one side may end long before the other") {
  Bench bench;
  bench.handshake();
  bench.send(0, "ask", 0, 0, ack | fin);
  CHECK(bench.connection().ended[0]);
  bench.send(1, "one", 0, 4);
  bench.send(0, "", 4, 3);
  bench.send(1, "two", 3, 4, ack | fin);
  CHECK(bench.connection().log == " A3 eA B3 B3 eB");
  CHECK(bench.connection().reason == CloseReason::finished);
  bench.finish();
}

TEST_CASE("a FIN waits for the bytes before it") {
  Bench bench;
  bench.handshake();
  bench.send(0, "cc", 4, 0, ack | fin);
  bench.send(0, "", 6, 0, ack | fin);
  CHECK(!bench.connection().ended[0]);
  SUBCASE("which come") {
    bench.send(0, "aabb", 0, 0);
    CHECK(bench.connection().log == " A4 A2 eA");
  }
  SUBCASE("which do not") {
    bench.later(3 * second);
    CHECK(bench.connection().log == " gA4 A2 eA");
  }
  bench.finish();
}

TEST_CASE("data behind the FIN is not part of the stream") {
  Bench bench;
  bench.handshake();
  bench.send(0, "abc", 0, 0, ack | fin);
  bench.send(0, "def", 4, 0);
  bench.send(0, "abcdef", 0, 0);
  CHECK(bench.connection().bytes[0] == "abc");
  CHECK(bench.stats.tcp_lateBytes + bench.stats.tcp_duplicateBytes == 9);
  SUBCASE("nor when it came first") {
    bench.send(1, "yyyy", 4, 4);
    bench.send(1, "", 2, 4, ack | fin);
    bench.send(1, "xx", 0, 4);
    CHECK(bench.connection().bytes[1] == "xx");
    CHECK(bench.connection().closed);
  }
  bench.finish();
}

TEST_CASE("a RST in the window closes, one outside of it does not") {
  Bench bench;
  bench.handshake();
  bench.send(0, "abc", 0, 0);
  bench.send(0, "", 100'000'000, 0, rst);
  bench.send(0, "", -100'000, 0, rst);
  CHECK(bench.stats.tcp_resetsIgnored == 2);
  bench.send(1, "xyz", 0, 3);
  CHECK(bench.connection().delivered[1] == 3);
  bench.send(0, "", 3, 3, rst);
  CHECK(bench.connection().closed);
  CHECK(bench.connection().reason == CloseReason::reset);
  CHECK(bench.stats.tcp_resets == 1);
  bench.finish();
}

TEST_CASE("a RST that overtook data lets it catch up") {
  Bench bench;
  bench.handshake();
  bench.send(0, "", 6, 0, ack | rst);
  CHECK(!bench.connection().closed);
  bench.send(0, "abcdef", 0, 0);
  CHECK(bench.connection().bytes[0] == "abcdef");
  CHECK(bench.connection().closed);
  SUBCASE("or closes alone") {
    bench.clientPort = 41000;
    bench.handshake();
    bench.send(0, "", 6, 0, ack | rst);
    bench.later(second);
    CHECK(bench.connection(1).closed);
    CHECK(bench.connection(1).reason == CloseReason::reset);
    CHECK(bench.connection(1).gaps[0].empty());
  }
  bench.finish();
}

TEST_CASE("a refused connection is reset though the RST bears number 0") {
  Bench bench;
  bench.sendSyn(0);
  bench.feed(segmentOf(1, rst | ack, 0, bench.isn[0] + 1, "", bench.nowNs));
  CHECK(bench.connection().closed);
  CHECK(bench.connection().reason == CloseReason::reset);
  bench.finish();
}

TEST_CASE("a capture that claims to have cut off four gigabytes is not believed") {
  for (const uint32_t truncated : {0xffffffffu, 0xfffffffcu, 0x80000000u, 0x7fffffffu}) {
    CAPTURE(truncated);
    Bench bench;
    bench.handshake();
    bench.send(0, "head", 0, 0, ack, truncated);
    bench.send(0, "cccc", 8'000'000, 0, ack | fin, truncated);
    bench.send(0, "more", 4 + (1 << 20), 0);
    bench.finish();
    CHECK(bench.connection().gaps[0].front().length == 1 << 20);
    CHECK(bench.connection().bytes[0].substr(4 + (1 << 20), 4) == "more");
    CHECK(bench.stats.tcp_missingBytes < 10'000'000);
  }
}

TEST_CASE("what the snap length cut off is a gap") {
  Bench bench;
  bench.handshake();
  bench.send(0, "head", 0, 0, ack, 100);
  bench.send(0, "next", 104, 0);
  REQUIRE(bench.connection().gaps[0].size() == 1);
  CHECK(bench.connection().gaps[0][0].cause == GapCause::truncated);
  CHECK(bench.connection().gaps[0][0].offset == 4);
  CHECK(bench.connection().gaps[0][0].length == 100);
  SUBCASE("out of order too") {
    bench.send(0, "cc", 112, 0, ack, 6);
    bench.send(0, "dd", 120, 0);
    bench.send(0, "bbbb", 108, 0);
    CHECK(bench.connection().log == " A4 gA100 A4 A4 A2 gA6 A2");
  }
  SUBCASE("and everything may be cut off") {
    bench.send(1, "", 0, 108, ack, 500);
    REQUIRE(bench.connection().gaps[1].size() == 1);
    CHECK(bench.connection().gaps[1][0].length == 500);
  }
  bench.finish();
}

TEST_CASE("urgent bytes stay where they are in the stream") {
  Bench bench;
  bench.handshake();
  bench.send(0, "GET /malic", 0, 0);
  bench.send(0, "XY", 10, 0, ack | decode::control::urg);
  bench.send(0, "ious", 12, 0);
  CHECK(bench.connection().bytes[0] == "GET /malicXYious");
  bench.finish();
}

TEST_CASE("the caps on buffered bytes hold and give up the oldest hole") {
  ReassemblyOptions options;
  options.maxBufferedBytesPerDirection = 64 << 10;
  SUBCASE("a direction") {
    Bench bench(options);
    bench.handshake();
    bench.send(0, std::string(1000, 'x'), 500, 0);
    for (int i = 2; i < 400; ++i) {
      bench.send(0, std::string(1000, 'x'), i * 1000, 0);
      REQUIRE(bench.stats.tcp_bufferedBytes <= options.maxBufferedBytesPerDirection);
    }
    CHECK(bench.connection().gaps[0].size() == 2);
    CHECK(bench.connection().gaps[0][0].length == 500);
    bench.finish();
    CHECK(bench.stats.tcp_deliveredBytes == 399'000);
  }
  SUBCASE("every other byte for ever") {
    Bench bench(options);
    bench.told.keep = false;
    bench.handshake();
    for (int i = 0; i < 200'000; ++i) bench.send(0, "x", i * 2 + 1, 0);
    CHECK(bench.stats.tcp_bufferedBytes <= options.maxBufferedBytesPerDirection);
    bench.finish();
    CHECK(bench.stats.tcp_deliveredBytes == 200'000);
    CHECK(bench.stats.tcp_gaps == 200'000);
  }
  SUBCASE("all together") {
    options.maxBufferedBytes = 256 << 10;
    Bench bench(options);
    for (int i = 0; i < 1000; ++i) {
      bench.clientPort = static_cast<uint16_t>(10000 + i);
      bench.handshake();
      bench.send(0, std::string(1000, 'x'), 500, 0);
      REQUIRE(bench.stats.tcp_bufferedBytes <= options.maxBufferedBytes);
    }
    CHECK(bench.connection(0).delivered[0] == 1000);  // the oldest hole was given up
    CHECK(bench.connection(999).delivered[0] == 0);
    bench.finish();
    CHECK(bench.stats.tcp_deliveredBytes == 1'000'000);
  }
  SUBCASE("no room at all") {
    options.maxBufferedBytes = 0;
    Bench bench(options);
    bench.handshake();
    bench.send(0, "bbbb", 4, 0);
    bench.send(0, "aaaa", 0, 0);
    bench.send(1, "early", 0, 100);
    bench.send(0, "more", 100, 5);
    bench.finish();
    CHECK(bench.connection().delivered[0] == 8);
    CHECK(bench.connection().delivered[1] == 5);
  }
}

TEST_CASE("times that jump break nothing") {
  Bench bench;
  bench.handshake();
  bench.send(0, "cccc", 8, 0);
  const int64_t before = bench.nowNs;
  bench.nowNs = INT64_MIN + 10;
  bench.send(0, "bbbb", 4, 0);
  bench.nowNs = INT64_MAX - 10'000'000'000;
  bench.send(0, "dddd", 12, 0);
  CHECK(bench.connection().closed);  // idle for centuries
  bench.nowNs = before;
  for (int i = 0; i < 200; ++i) bench.send(0, "xxxx", 16 + i * 4, 0);
  CHECK(bench.connection(1).delivered[0] >= 800);
  bench.send(0, "zzzz", 2000, 0);
  bench.later(5 * second);
  CHECK(bench.connection(1).gaps[0].size() == 1);  // time goes on from where it was set back to
  bench.finish();
}
