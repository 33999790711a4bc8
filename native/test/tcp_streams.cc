// One connection: order, overlap, conflicts.
#include <doctest/doctest.h>

#include "tcp_recorder.h"

using namespace flowtap;
using namespace flowtap::tcp;
using namespace flowtap::tcp::testing;

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
