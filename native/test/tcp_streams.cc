// One connection: order, overlap, gaps, causal order, ends.
#include <doctest/doctest.h>

#include "tcp_recorder.h"

using namespace flowtap;
using namespace flowtap::tcp;
using namespace flowtap::tcp::testing;

namespace {
constexpr int64_t ms = 1'000'000;
constexpr int64_t second = 1'000'000'000;
}  // namespace

TEST_CASE("an ordinary connection is told from open to close") {
  Bench bench;
  bench.handshake();
  bench.send(0, "GET /", 0, 0);
  bench.send(1, "200 OK", 0, 5);
  bench.send(0, "", 5, 6, ack | fin);
  bench.send(1, "", 6, 6, ack | fin);
  bench.send(0, "", 6, 7);
  REQUIRE(bench.told.all.size() == 1);
  const Told& told = bench.connection();
  CHECK(told.bytes[0] == "GET /");
  CHECK(told.bytes[1] == "200 OK");
  CHECK(told.log == " A5 B6 eA eB");
  CHECK(told.closed);
  CHECK(told.reason == CloseReason::finished);
  CHECK(told.info.initiator == 0);
  CHECK(told.info.port[0] == 40000);
  CHECK(told.info.port[1] == 80);
  CHECK(told.info.vlan == decode::noVlan);
  bench.finish();
  CHECK(bench.told.opens == 1);
  CHECK(bench.stats.tcp_segments == 8);
}

TEST_CASE("sequence numbers wrap, within a segment and between") {
  Bench bench;
  bench.isn[0] = 0xfffffffa;
  bench.isn[1] = 0xffffffff;
  bench.handshake();
  bench.send(0, "abcdefgh", 0, 0);
  bench.send(1, "xyz", 0, 8);
  bench.send(0, "mnop", 12, 3);
  bench.send(0, "ijkl", 8, 3);
  bench.finish();
  CHECK(bench.connection().bytes[0] == "abcdefghijklmnop");
  CHECK(bench.connection().bytes[1] == "xyz");
  CHECK(bench.stats.tcp_missingBytes == 0);
}

TEST_CASE("more than four gigabytes pass through one direction") {
  Bench bench;
  bench.told.keep = false;
  bench.handshake();
  const std::string block(60000, 'x');
  uint64_t offset = 0;
  while (offset < (uint64_t{1} << 32) + 1'000'000) {
    bench.send(0, block, static_cast<int64_t>(offset), 0);
    offset += block.size();
    if (offset % 6'000'000 == 0) bench.send(1, "", 0, static_cast<int64_t>(offset));
  }
  CHECK(bench.stats.tcp_deliveredBytes == offset);
  CHECK(bench.stats.tcp_gaps == 0);
  bench.finish();
}

TEST_CASE("bytes out of order wait and come out in order") {
  Bench bench;
  bench.handshake();
  bench.send(0, "cc", 4, 0);
  bench.send(0, "bb", 2, 0);
  CHECK(bench.stats.tcp_bufferedBytes == 4);
  CHECK(bench.connection().bytes[0].empty());
  bench.send(0, "aa", 0, 0);
  CHECK(bench.connection().bytes[0] == "aabbcc");
  CHECK(bench.stats.tcp_bufferedBytes == 0);
  CHECK(bench.stats.tcp_outOfOrderSegments == 2);
  bench.finish();
}

TEST_CASE("one-byte segments in reverse") {
  Bench bench;
  bench.handshake();
  const std::string text = "The quick brown fox";
  for (size_t i = text.size(); i-- > 0;) bench.send(0, text.substr(i, 1), static_cast<int64_t>(i), 0);
  CHECK(bench.connection().bytes[0] == text);
  bench.finish();
}

TEST_CASE("segments of 64 KiB out of order") {
  Bench bench;
  bench.handshake();
  std::string text(200000, ' ');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * 7919 % 26);
  bench.send(0, text.substr(130000), 130000, 0);
  bench.send(0, text.substr(65000, 65000), 65000, 0);
  bench.send(0, text.substr(0, 65000), 0, 0);
  CHECK(bench.connection().bytes[0] == text);
  bench.finish();
}

TEST_CASE("bytes sent twice count as duplicates") {
  Bench bench;
  bench.handshake();
  bench.send(0, "abcd", 0, 0);
  bench.send(0, "abcd", 0, 0);
  bench.send(0, "cdef", 2, 0);
  bench.send(0, "ijkl", 8, 0);
  bench.send(0, "ijkl", 8, 0);
  CHECK(bench.connection().bytes[0] == "abcdef");
  CHECK(bench.stats.tcp_duplicateBytes == 10);
  CHECK(bench.stats.tcp_retransmittedSegments == 3);
  bench.send(0, "ghij", 6, 0);
  CHECK(bench.connection().bytes[0] == "abcdefghijkl");
  CHECK(bench.stats.tcp_duplicateBytes == 12);
  CHECK(bench.stats.tcp_conflictingBytes == 0);
  bench.finish();
}

TEST_CASE("where packets disagree the first wins and it is told") {
  Bench bench;
  bench.handshake();
  bench.send(0, "CCCC", 4, 0);
  bench.send(0, "aaaabbCdCeee", 0, 0);
  CHECK(bench.connection().bytes[0] == "aaaaCCCCCeee");
  CHECK(bench.connection().conflictBytes[0] == 4);  // from the first byte that differs to the last
  CHECK(bench.stats.tcp_conflictingBytes == 4);
  CHECK(bench.stats.tcp_duplicateBytes == 0);
  bench.finish();
}

TEST_CASE("a conflict with bytes that wait is told where they are handed on") {
  Bench bench;
  bench.handshake();
  bench.send(0, "CCCC", 4, 0);
  bench.send(0, "CxxC", 4, 0);
  CHECK(bench.stats.tcp_conflictingBytes == 2);
  CHECK(bench.connection().log.empty());
  bench.send(0, "aaaa", 0, 0);
  CHECK(bench.connection().log == " A4 A1 cA2 A2 A1");
  CHECK(bench.connection().bytes[0] == "aaaaCCCC");
  bench.finish();
}

TEST_CASE("a retransmission that differs from what was handed on is a conflict") {
  Bench bench;
  bench.handshake();
  bench.send(0, "abcdef", 0, 0);
  bench.send(1, "ABCDEF", 0, 6);
  bench.send(0, "ghijkl", 6, 6);
  const Told& told = bench.connection();
  SUBCASE("all of it") {
    bench.send(0, "aXcdYf", 0, 6);
    CHECK(told.conflictBytes[0] == 4);
    CHECK(bench.stats.tcp_conflictingBytes == 4);
    CHECK(bench.stats.tcp_duplicateBytes == 2);
  }
  SUBCASE("across segments, and on with new bytes") {
    bench.send(0, "defgh--klmnop", 3, 6);
    CHECK(told.bytes[0] == "abcdefghijklmnop");
    CHECK(told.conflictBytes[0] == 2);
    CHECK(bench.stats.tcp_duplicateBytes == 7);
  }
  SUBCASE("a part of it") {
    bench.send(0, "-", 3, 6);
    CHECK(told.conflictBytes[0] == 1);
    CHECK(told.conflictBytes[1] == 0);
  }
  SUBCASE("of bytes that had waited") {
    bench.send(0, "qrst", 16, 6);
    bench.send(0, "mnop", 12, 6);
    bench.send(0, "mno-qr-t", 12, 6);
    CHECK(told.conflictBytes[0] == 2);
  }
  SUBCASE("the same bytes are none") {
    bench.send(0, "bcdefghijkl", 1, 6);
    bench.send(1, "ABCDEF", 0, 6);
    CHECK(bench.stats.tcp_conflictingBytes == 0);
    CHECK(bench.stats.tcp_duplicateBytes == 17);
  }
  SUBCASE("a keep-alive probe with its garbage byte is none") {
    bench.send(0, std::string(1, '\0'), 11, 6);
    CHECK(bench.stats.tcp_keepAliveProbes == 1);
    CHECK(bench.stats.tcp_conflictingBytes == 0);
    CHECK(bench.stats.tcp_duplicateBytes == 1);
  }
  SUBCASE("behind the FIN it is counted") {
    bench.send(0, "", 12, 6, ack | fin);
    bench.send(0, "ghi-kl", 6, 6, ack | fin);
    CHECK(told.conflictBytes[0] == 0);
    CHECK(bench.stats.tcp_conflictingBytes == 1);
    CHECK(bench.stats.tcp_duplicateBytes == 5);
  }
  SUBCASE("behind the close too") {
    bench.send(0, "", 12, 6, ack | fin);
    bench.send(1, "", 6, 13, ack | fin);
    REQUIRE(told.closed);
    bench.send(1, "-BCDEF", 0, 13);
    bench.send(0, std::string(1, '\0'), 11, 7);
    CHECK(bench.stats.tcp_conflictingBytes == 1);
    CHECK(bench.stats.tcp_duplicateBytes == 6);
  }
  bench.finish();
}

TEST_CASE("what is compared of a long segment that was handed on") {
  std::string payload(1448, 'a');
  const auto conflicting = [&](size_t from, size_t length, size_t cutFront = 0) {
    Bench bench;
    bench.handshake();
    bench.send(0, payload, 0, 0);
    std::string other = payload;
    other.replace(from, length, length, 'b');
    bench.send(0, other.substr(cutFront), static_cast<int64_t>(cutFront), 0);
    bench.finish();
    return bench.stats.tcp_conflictingBytes;
  };
  CHECK(conflicting(0, 1448) == 1448);
  CHECK(conflicting(127, 1) == 1);
  CHECK(conflicting(1447, 1) == 1);
  for (size_t from = 0; from + 512 <= payload.size(); ++from) {
    CAPTURE(from);
    REQUIRE(conflicting(from, 512) > 0);
    REQUIRE(conflicting(from, 512, from) > 0);
  }
}

TEST_CASE("what is remembered to compare with ends with its memory") {
  ReassemblyOptions options;
  SUBCASE("enough") {}
  SUBCASE("none at all") { options.maxBufferedBytes = 65535; }
  SUBCASE("the least there is") { options.maxBufferedBytes = 65536; }
  Bench bench(options);
  bench.handshake();
  const std::string payload(100, 'a');
  const std::string other(100, 'b');
  for (int64_t i = 0; i < 2000; ++i) bench.send(0, payload, i * 100, 0);
  CHECK(bench.stats.tcp_deliveredBytes == 200'000);
  bench.send(0, other, 1999 * 100, 0);
  CHECK(bench.stats.tcp_conflictingBytes == (options.maxBufferedBytes < 65536 ? 0 : 100));
  bench.send(0, other, 0, 0);
  CHECK(bench.stats.tcp_conflictingBytes == (options.maxBufferedBytes < 65536 ? 0 : 100));
  bench.finish();
}

TEST_CASE("overlaps on every side of what is buffered") {
  Bench bench;
  bench.handshake();
  bench.send(0, "fgh", 5, 0);
  bench.send(0, "lm", 11, 0);
  bench.send(0, "defghijklmno", 3, 0);
  bench.send(0, "abcdefghijklmnopq", 0, 0);
  CHECK(bench.connection().bytes[0] == "abcdefghijklmnopq");
  CHECK(bench.stats.tcp_conflictingBytes == 0);
  bench.finish();
}

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
