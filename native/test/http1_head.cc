// Heads: where lines and fields lie, and what frames a body.
#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

#include "http1/parser.h"

using namespace flowtap;
using namespace flowtap::http1;

TEST_CASE("http1: field lines") {
  struct Case {
    const char* lines;
    std::vector<std::pair<std::string, std::string>> fields;
  };
  const Case cases[] = {
      {"A: 1\r\nB:2\r\nC:\t 3 \t\r\n", {{"A", "1"}, {"B", "2"}, {"C", "3"}}},
      {"A:\r\nB: \r\n", {{"A", ""}, {"B", ""}}},
      {"A : 1\r\n", {{"A", "1"}}},
      {"A: 1\r\n  2\r\n\t3\r\nB: 4\r\n", {{"A", "1\r\n  2\r\n\t3"}, {"B", "4"}}},
      {"no colon here\r\nA: 1\r\n", {{"A", "1"}}},
      {": empty name\r\nA: 1\r\n", {{"A", "1"}}},
      {"A: b:c:d\nE: f\n", {{"A", "b:c:d"}, {"E", "f"}}},
      {"X\xff: \x80\xfe\r\n", {{"X\xff", "\x80\xfe"}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.lines);
    const std::string text = std::string("GET / HTTP/1.1\r\n") + c.lines + "\r\n";
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    Scratch scratch(32);
    size_t lines = 0, length = 0;
    REQUIRE(scanLines(bytes, text.size(), scratch.marks.data(), scratch.marks.size(), lines, length,
                      scratch.controls) == ScanResult::complete);
    CHECK(length == text.size());
    Head head;
    REQUIRE(parseHead(bytes, length, lines, scratch, head));
    std::vector<std::pair<std::string, std::string>> fields;
    for (size_t i = 0; i < head.fieldCount; i++) {
      const FieldSpan& span = head.fields[i];
      fields.emplace_back(text.substr(span.nameStart, span.nameEnd - span.nameStart),
                          text.substr(span.valueStart, span.valueEnd - span.valueStart));
    }
    CHECK(fields == c.fields);
  }
}

TEST_CASE("http1: framing fields") {
  struct Case {
    const char* lines;
    bool chunked;
    bool hasLength;
    uint64_t length;
  };
  const Case cases[] = {
      {"content-LENGTH: 12\r\n", false, true, 12},
      {"Content\x0dLength: 12\r\nContent_Length: 12\r\nContenttLength: 12\r\nXontent-Length: 12\r\nContent-LengtX: "
       "12\r\n",
       false, false, 0},
      {"Content-Length: 12, 12\r\n", false, true, 12},
      {"Content-Length: 12, 13\r\n", false, true, 12},
      {"Content-Length: x\r\nContent-Length: 13\r\n", false, true, 13},
      {"Content-Length: 9007199254740992\r\n", false, true, 9007199254740992},
      {"Content-Length: 9007199254740993\r\n", false, false, 0},
      {"Content-Length: 5 6\r\n", false, false, 0},
      {"Content\rLength: 5\r\n", false, false, 0},
      {"Content-Length: 12\r\nContent-Length: 12\r\n", false, true, 12},
      {"Content-Length: -1\r\n", false, false, 0},
      {"Content-Length: 1x\r\n", false, false, 0},
      {"Content-Length: 99999999999999999999999\r\n", false, false, 0},
      {"Content-Length:\r\n", false, false, 0},
      {"Transfer-Encoding: chunked\r\n", true, false, 0},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", true, false, 0},
      {"Transfer-Encoding: chunked, gzip\r\n", false, false, 0},
      {"Transfer-Encoding: CHUNKED ;q=1\r\n", true, false, 0},
      {"Transfer-Encoding: xchunked\r\n", false, false, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.lines);
    const std::string text = std::string("POST / HTTP/1.1\r\n") + c.lines + "\r\n";
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    Scratch scratch(32);
    size_t lines = 0, length = 0;
    scanLines(bytes, text.size(), scratch.marks.data(), scratch.marks.size(), lines, length, scratch.controls);
    Head head;
    REQUIRE(parseHead(bytes, length, lines, scratch, head));
    CHECK(head.chunked == c.chunked);
    CHECK(head.hasContentLength == c.hasLength);
    CHECK(head.contentLength == c.length);
  }
}

TEST_CASE("http1: the vectorised scan finds what a plain one finds") {
  uint32_t random = 12345;
  const char alphabet[] = "\n\r:a\x1f";
  for (int round = 0; round < 20000; round++) {
    std::string text;
    const size_t size = random % 300;
    for (size_t i = 0; i < size; i++) {
      random = random * 1664525 + 1013904223;
      text += alphabet[(random >> 16) % ((round & 1) != 0 ? 5 : 120) % 5];
    }
    random = random * 1664525 + 1013904223;
    std::vector<std::pair<uint32_t, uint32_t>> expected;
    bool complete = false;
    size_t expectedLength = 0;
    for (size_t start = 0; !complete;) {
      const size_t feed = text.find('\n', start);
      if (feed == std::string::npos) break;
      const std::string line = text.substr(start, feed - start);
      if (line.empty() || line == "\r") {
        complete = true;
      } else {
        const size_t colon = line.find(':');
        expected.emplace_back(colon == std::string::npos ? noColon : static_cast<uint32_t>(start + colon),
                              static_cast<uint32_t>(feed));
      }
      start = expectedLength = feed + 1;
    }
    std::vector<LineMark> marks(400);
    size_t count = 0, length = 0;
    uint64_t controls = 0;
    const ScanResult result = scanLines(reinterpret_cast<const uint8_t*>(text.data()), text.size(), marks.data(),
                                        marks.size(), count, length, controls);
    CHECK((result == ScanResult::complete) == complete);
    if (complete)
      CHECK(controls == std::accumulate(text.begin(), text.begin() + static_cast<long>(expectedLength), uint64_t{0},
                                        [](uint64_t sum, char c) {
                                          return sum + (c < 0x20 ? 0x20u - static_cast<unsigned>(c) : 0);
                                        }));
    CHECK(length == expectedLength);
    REQUIRE(count == expected.size());
    for (size_t i = 0; i < count; i++) {
      CHECK(marks[i].colon == expected[i].first);
      CHECK(marks[i].end == expected[i].second);
    }
  }
}
