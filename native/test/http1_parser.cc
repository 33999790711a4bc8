// The parser of one direction: framing, cutting, gaps and finding its way back.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "http1/parser.h"

using namespace flowtap;
using namespace flowtap::http1;

namespace {

/// Writes down what the parser says; frames bodies as a request's head asks, or as told.
struct Recorder final : Events {
  std::vector<std::string> log;
  std::string body;
  std::string wire;  ///< bodies, with what was told of their framing
  uint32_t suspicious = 0;
  bool answerUntilClose = false;
  bool doubtful = false;
  bool answerTunnel = false;

  Framing onHead(void*, uint8_t, const Head& head, int64_t startNs, int64_t endNs) override {
    std::string line(reinterpret_cast<const char*>(head.bytes), head.length);
    line = line.substr(0, line.find_first_of("\r\n"));
    log.push_back((head.isRequest ? "request " : "response ") + line + " fields=" + std::to_string(head.fieldCount) +
                  (head.incomplete ? " incomplete" : "") + " " + std::to_string(startNs) + "-" + std::to_string(endNs));
    if (answerTunnel) return {Framing::Kind::tunnel};
    if (head.chunked) return {Framing::Kind::chunked, 0, doubtful};
    if (head.hasContentLength) return {Framing::Kind::length, head.contentLength, doubtful};
    if (answerUntilClose) return {Framing::Kind::untilClose, 0, doubtful};
    return {Framing::Kind::none};
  }
  void onSkippedHead(void*, uint8_t, const SkippedHead& head, int64_t) override {
    log.push_back(std::string("skipped ") + (head.isRequest ? "request " : "response ") + std::to_string(head.status) +
                  " " + std::to_string(static_cast<int>(head.method)));
  }
  void onBody(void*, uint8_t, const uint8_t* bytes, size_t length, int64_t) override {
    body.append(reinterpret_cast<const char*>(bytes), length);
    wire.append(reinterpret_cast<const char*>(bytes), length);
  }
  void onFraming(void*, uint8_t, const uint8_t* bytes, size_t length) override {
    wire.append(reinterpret_cast<const char*>(bytes), length);
  }
  void onMissing(void*, uint8_t, uint64_t length, uint64_t bodyLength, Damage damage) override {
    log.push_back("missing " + std::to_string(length) + " body " + std::to_string(bodyLength) + " damage " +
                  std::to_string(static_cast<int>(damage)));
  }
  void onTrailers(void*, uint8_t, const uint8_t*, size_t length, const FieldSpan*, size_t count) override {
    log.push_back("trailers " + std::to_string(length) + " fields=" + std::to_string(count));
  }
  void onSuspicious(void*, uint8_t, uint32_t reasons) override { suspicious |= reasons; }
  void onMessageEnd(void*, uint8_t, Damage damage, int64_t) override {
    log.push_back("end body=" + body +
                  (damage == Damage::none ? "" : " damage " + std::to_string(static_cast<int>(damage))));
    body.clear();
  }
  void onTunnel(void*, uint8_t, size_t length) override { log.push_back("tunnel " + std::to_string(length)); }
};

struct Fixture {
  explicit Fixture(bool fromStart = true, ParserOptions options = {})
      : context(options, recorder, stats), parser(fromStart) {}
  ~Fixture() {
    parser.abandon(context);
    CHECK(stats.http_pendingBytes == 0);
  }
  void feed(const std::string& bytes, int64_t timeNs = 1) {
    parser.data(context, nullptr, 0, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), timeNs);
  }
  Recorder recorder;
  Stats stats;
  ParserContext context;
  Parser parser;
};

using Log = std::vector<std::string>;

}  // namespace

TEST_CASE("http1: pipelined requests in one piece") {
  Fixture f;
  f.feed("GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.0\r\n\r\n");
  CHECK(f.recorder.log == Log{"request GET /a HTTP/1.1 fields=1 1-1",
                              "end body=", "request POST /b HTTP/1.1 fields=1 1-1", "end body=abc",
                              "request GET /c HTTP/1.0 fields=0 1-1", "end body="});
}

TEST_CASE("http1: the same events however the bytes are cut") {
  const std::string wire =
      "\r\nPOST /upload?x=1 HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: gzip, Chunked\r\nX-Fold: a\r\n "
      "b\r\n\r\n"
      "5;ext=\"1\"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokOPTIONS * HTTP/1.1\nHost: lf\n\n";
  Fixture whole;
  whole.feed(wire);
  Log expected = whole.recorder.log;
  REQUIRE(expected.size() == 7);
  CHECK(expected[2] == "end body=hello0123456789");
  for (size_t first = 1; first < wire.size(); first++) {
    for (const size_t second : {first, (first + wire.size()) / 2}) {
      Fixture cut;
      cut.feed(wire.substr(0, first));
      cut.feed(wire.substr(first, second - first));
      cut.feed(wire.substr(second));
      CHECK(cut.recorder.log == expected);
    }
  }
  Fixture bytewise;
  for (char c : wire) bytewise.feed(std::string(1, c));
  CHECK(bytewise.recorder.log == expected);
}

TEST_CASE("http1: what frames a chunked body is told on request, however it is cut") {
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "5;ext=\"1\"\r\nhello\r\n00A\n0123456789\r\n0;last\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n";
  const std::string wire = head + body + head + "0\r\n\r\n";
  for (size_t first = 1; first < wire.size(); first++) {
    for (const size_t second : {first, (first + wire.size()) / 2}) {
      Fixture f(true, {.tellsFraming = true});
      f.feed(wire.substr(0, first));
      f.feed(wire.substr(first, second - first));
      f.feed(wire.substr(second));
      CHECK(f.recorder.wire == body + "0\r\n\r\n");
    }
  }
  Fixture silent;
  silent.feed(wire);
  CHECK(silent.recorder.wire == "hello0123456789");
}

TEST_CASE("http1: framing that is lost is told up to there") {
  Fixture f(true, {.tellsFraming = true});
  f.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r");
  f.feed("\n5;x");
  f.feed("=1\r\nhello\r\nnonsense");
  CHECK(f.recorder.wire == "3\r\nabc\r\n5;x=1\r\nhello\r\n");
  CHECK(f.recorder.log.back() == "end body=abchello damage 3");
}

TEST_CASE("http1: times are those of the first and the last byte of the head") {
  Fixture f;
  f.feed("GET / HT", 5);
  f.feed("TP/1.1\r\n\r", 6);
  f.feed("\n", 9);
  CHECK(f.recorder.log == Log{"request GET / HTTP/1.1 fields=0 5-9", "end body="});
}

TEST_CASE("http1: other text protocols are not taken for HTTP") {
  for (const char* line : {"DESCRIBE rtsp://a/b RTSP/1.0\r\n\r\n", "INVITE sip:a@b SIP/2.0\r\n\r\n",
                           "REQMOD icap://a/b ICAP/1.0\r\n\r\n", "EHLO mail.example.org\r\n", "SSH-2.0-OpenSSH_9\r\n",
                           "220 ready\r\n", "ICY 200 OK\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    Fixture f;
    f.feed(line);
    CAPTURE(line);
    CHECK(f.recorder.log.empty());
  }
}

TEST_CASE("http1: what is not understood is skipped, counted, and the next start line found") {
  Fixture f;
  f.feed("GET /a HTTP/1.1\r\n\r\n");
  f.feed("garbage\r\nmore garbage\r\nGET /b HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log ==
        Log{"request GET /a HTTP/1.1 fields=0 1-1", "end body=", "request GET /b HTTP/1.1 fields=0 1-1", "end body="});
  CHECK(f.stats.http_skippedBytes == 23);
  CHECK(f.stats.http_resyncs == 1);
}

TEST_CASE("http1: in the middle of a stream a response is found behind a body without a line end") {
  Fixture f(false);
  f.feed("...the end of a body}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  CHECK(f.recorder.log == Log{"response HTTP/1.1 200 OK fields=1 1-1", "end body=x"});
}

TEST_CASE("http1: a gap inside a body of known length keeps the parser aligned") {
  Fixture f;
  f.feed("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab");
  f.parser.gap(f.context, nullptr, 0, 6, Damage::gap);
  f.feed("ijGET /next HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log == Log{"request POST / HTTP/1.1 fields=1 1-1", "missing 6 body 6 damage 1", "end body=abij",
                              "request GET /next HTTP/1.1 fields=0 1-1", "end body="});
}

TEST_CASE("http1: a gap beyond the end of a body ends the message and looks for the next") {
  Fixture f;
  f.feed("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab");
  f.parser.gap(f.context, nullptr, 0, 100, Damage::gap);
  f.feed("t: x\r\n\r\nGET /next HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log == Log{"request POST / HTTP/1.1 fields=1 1-1", "missing 8 body 8 damage 1",
                              "end body=ab damage 1", "request GET /next HTTP/1.1 fields=0 1-1", "end body="});
}

TEST_CASE("http1: a gap inside chunk data is stepped over, one across chunks loses the message") {
  Fixture f;
  f.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nab");
  f.parser.gap(f.context, nullptr, 0, 4, Damage::gap);
  f.feed("gh\r\n4\r\nij");
  f.parser.gap(f.context, nullptr, 0, 4, Damage::gap);
  f.feed("\nGET /next HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log == Log{"request POST / HTTP/1.1 fields=1 1-1", "missing 4 body 4 damage 1",
                              "missing 4 body 2 damage 1", "end body=abghij damage 1",
                              "request GET /next HTTP/1.1 fields=0 1-1", "end body="});
}

TEST_CASE("http1: a gap inside a head gives out what was there") {
  Fixture f;
  f.feed("GET /a HTTP/1.1\r\nHost: x\r\nAccep");
  f.parser.gap(f.context, nullptr, 0, 50, Damage::gap);
  f.feed("ding: gzip\r\n\r\n");
  f.feed("GET /b HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log == Log{"request GET /a HTTP/1.1 fields=1 incomplete 1-1", "missing 50 body 0 damage 1",
                              "end body= damage 1", "request GET /b HTTP/1.1 fields=0 1-1", "end body="});
}

TEST_CASE("http1: a gap inside a start line leaves nothing to tell") {
  Fixture f;
  f.feed("GET /a HT");
  f.parser.gap(f.context, nullptr, 0, 50, Damage::gap);
  f.feed("GET /b HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log == Log{"request GET /b HTTP/1.1 fields=0 1-1", "end body="});
  CHECK(f.stats.http_skippedBytes == 9);
}

TEST_CASE("http1: the end of the stream") {
  SUBCASE("completes a body that lasts until then") {
    Fixture f;
    f.recorder.answerUntilClose = true;
    f.feed("HTTP/1.0 200 OK\r\n\r\nall of it");
    f.parser.end(f.context, nullptr, 0, Damage::aborted, true);
    CHECK(f.recorder.log.back() == "end body=all of it");
  }
  SUBCASE("unless it came by force") {
    Fixture f;
    f.recorder.answerUntilClose = true;
    f.feed("HTTP/1.0 200 OK\r\n\r\nall of it");
    f.parser.end(f.context, nullptr, 0, Damage::aborted, false);
    CHECK(f.recorder.log.back() == "end body=all of it damage 3");
  }
  SUBCASE("cuts a body of known length short") {
    Fixture f;
    f.feed("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    f.parser.end(f.context, nullptr, 0, Damage::truncated, true);
    CHECK(f.recorder.log.back() == "end body=some damage 2");
  }
  SUBCASE("cuts a head short") {
    Fixture f;
    f.feed("GET / HTTP/1.1\r\nHost: x\r\nA");
    f.parser.end(f.context, nullptr, 0, Damage::aborted, true);
    CHECK(f.recorder.log == Log{"request GET / HTTP/1.1 fields=1 incomplete 1-1", "end body= damage 3"});
  }
}

TEST_CASE("http1: broken chunk sizes end the message as aborted") {
  for (const char* size : {"zz\r\n", "FFFFFFFFFFFFFFFFF\r\n", "\r\n"}) {
    Fixture f;
    f.feed(std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") + size);
    CAPTURE(size);
    CHECK(f.recorder.log.back() == "end body= damage 3");
  }
}

TEST_CASE("http1: heads and trailers beyond the limits are given up and counted") {
  ParserOptions options;
  options.maxHeadBytes = 200;
  options.maxFields = 4;
  SUBCASE("a long head in pieces") {
    Fixture f(true, options);
    f.feed("GET / HTTP/1.1\r\n");
    for (int i = 0; i < 30; i++) f.feed("X-" + std::to_string(i) + ": 0123456789\r\n");
    CHECK(f.stats.http_headsTooLarge == 1);
    f.feed("\r\nGET /b HTTP/1.1\r\n\r\n");
    CHECK(f.recorder.log == Log{"skipped request 0 0", "request GET /b HTTP/1.1 fields=0 1-1", "end body="});
  }
  SUBCASE("too many fields") {
    Fixture f(true, options);
    f.feed("GET / HTTP/1.1\r\na:1\r\nb:1\r\nc:1\r\nd:1\r\ne:1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
    CHECK(f.stats.http_headsTooLarge == 1);
    CHECK(f.recorder.log == Log{"skipped request 0 0", "request GET /b HTTP/1.1 fields=0 1-1", "end body="});
  }
  SUBCASE("endless trailers") {
    Fixture f(true, options);
    f.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
    for (int i = 0; i < 30; i++) f.feed("X: 0123456789\r\n");
    CHECK(f.stats.http_headsTooLarge == 1);
    CHECK(f.recorder.log.back() == "end body= damage 3");
  }
}

TEST_CASE("http1: of a head that is given up its first line is told") {
  ParserOptions options;
  options.maxHeadBytes = 100;
  const std::string field = "X: " + std::string(100, 'x') + "\r\n\r\n";
  for (const auto& [line, told] : {std::pair{"HEAD / HTTP/1.1\r\n", "skipped request 0 1"},
                                   {"CONNECT a:1 HTTP/1.1\r\n", "skipped request 0 2"},
                                   {"HTTP/1.1 204 No Content\r\n", "skipped response 204 0"},
                                   {"HEAD /", "skipped request 0 1"},
                                   {"HTTP/1.1 204 ", "skipped response 0 0"}}) {
    CAPTURE(line);
    for (const bool inPieces : {false, true}) {
      const std::string head = line + field;
      if (std::string(line).back() != '\n' && !inPieces) continue;  // known to be too long before it ends
      Fixture f(true, options);
      if (inPieces)
        for (const char byte : head.substr(0, 101)) f.feed(std::string(1, byte));
      else
        f.feed(head);
      CHECK(f.recorder.log == Log{told});
    }
  }
}

TEST_CASE("http1: a body that may be left out") {
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
  const std::string post = "request POST / HTTP/1.1 fields=1 1-1";
  const std::string next = "GET /b HTTP/1.1\r\n\r\n";
  const Log leftOut{post, "end body=", "request GET /b HTTP/1.1 fields=0 2-2", "end body="};
  for (size_t cut = 0; cut < next.size(); cut++) {
    CAPTURE(cut);
    Fixture f;
    f.feed(head);
    f.parser.bodyMayBeLeftOut();
    if (cut != 0) f.feed(next.substr(0, cut), 2);
    f.feed(next.substr(cut), 2);
    CHECK(f.recorder.log == leftOut);
    CHECK(f.stats.http_skippedBytes == 0);
  }
  for (const std::string body : {"GET /", "GET ?", "abcde", "HTTP/"}) {
    CAPTURE(body);
    Fixture f;
    f.feed(head);
    f.parser.bodyMayBeLeftOut();
    for (const char byte : body + " \n" + next) f.feed(std::string(1, byte), 2);
    REQUIRE(f.recorder.log.size() == 4);
    CHECK(f.recorder.log[1] == "end body=" + body);
  }
  SUBCASE("and ends with the connection") {
    for (const Damage atClose : {Damage::aborted, Damage::truncated}) {
      Fixture f;
      f.feed(head);
      f.parser.bodyMayBeLeftOut();
      f.parser.end(f.context, nullptr, 0, atClose, false);
      CHECK(f.recorder.log == Log{post, atClose == Damage::aborted ? "end body=" : "end body= damage 2"});
    }
  }
  SUBCASE("and may have begun") {
    Fixture f;
    f.feed(head);
    f.parser.bodyMayBeLeftOut();
    f.feed("GET", 2);
    f.parser.end(f.context, nullptr, 0, Damage::aborted, true);
    CHECK(f.recorder.log == Log{post, "end body=GET damage 3"});
  }
  SUBCASE("and may have begun, before a gap") {
    Fixture f;
    f.feed(head);
    f.parser.bodyMayBeLeftOut();
    f.feed("GET", 2);
    f.parser.gap(f.context, nullptr, 0, 1, Damage::gap);
    f.feed("x" + next, 2);
    REQUIRE(f.recorder.log.size() == 5);
    CHECK(f.recorder.log[2] == "end body=GETx");
  }
  SUBCASE("with no memory left it is taken for the body") {
    Fixture f(true, [] {
      ParserOptions options;
      options.maxPendingBytes = 0;
      return options;
    }());
    f.feed(head);
    f.parser.bodyMayBeLeftOut();
    f.feed("GET", 2);
    f.feed(" /", 2);
    CHECK(f.recorder.log == Log{post, "end body=GET /"});
  }
}

TEST_CASE("http1: long garbage costs little memory and is all counted") {
  Fixture f(false);
  const std::string noise(1000, 'A');
  for (int i = 0; i < 1000; i++) f.feed(noise);
  CHECK(f.recorder.log.empty());
  CHECK(f.stats.http_pendingBytes <= maxStrictLineBytes + 1000);
  f.feed("\r\n");
  f.feed("GET / HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log.size() == 2);
}

TEST_CASE("http1: behind a tunnel nothing is parsed") {
  Fixture f;
  f.recorder.answerTunnel = true;
  f.feed("HTTP/1.1 101 Switching Protocols\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  CHECK(f.recorder.log == Log{"response HTTP/1.1 101 Switching Protocols fields=0 1-1", "end body=", "tunnel 18"});
}

TEST_CASE("http1: what is suspicious in a head") {
  struct Case {
    const char* head;
    uint32_t reasons;
  };
  using namespace suspicion;
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\nA:\t1\r\n\r\n", 0},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"HTTP/1.1 200\r\n\r\n", 0},
      {"HTTP/1.1 200 \r\nHost: a\r\nHost: b\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\n\r\n", missingHost},
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", repeatedHost},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", oddStartLine},
      {"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", oddStartLine},
      {"GET /  HTTP/1.1\r\nHost: x\r\n\r\n", oddStartLine},
      {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", oddStartLine},
      {"HTTP/1.1  200 OK\r\n\r\n", oddStartLine},
      {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", invalidTarget},
      {"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", invalidTarget},
      {"GET / HTTP/1.1\nHost: x\r\n\r\n", bareLf},
      {"GET / HTTP/1.1\r\nHost: x\n\r\n", bareLf},
      {"GET / HTTP/1.1\r\nHost: x\r\n\n", bareLf},
      {"GET / HTTP/1.1\r\nHost: x\x01\n\r\n", bareLf | controlCharacter},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", bareCr},
      {"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", bareCr},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: \x0b\r\n\r\n", controlCharacter},
      {"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", obsFold},
      {"GET / HTTP/1.1\r\n A: b\r\nHost: x\r\n\r\n", spaceBeforeFirstField},
      {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", spaceBeforeColon},
      {"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", invalidFieldLine},
      {"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", invalidFieldLine},
      {"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n", invalidFieldName},
      {"GET / HTTP/1.1\r\nHost: x\r\nLonger-Name\xff: c\r\n\r\n", invalidFieldName},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", conflictingContentLength},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n", conflictingContentLength},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 01\r\n\r\n", repeatedContentLength},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", invalidContentLength},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       lengthAndTransferEncoding},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", transferEncodingNotChunked},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 0},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n", 0},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", unusualTransferEncoding},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", unusualTransferEncoding},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x, chunked\r\n\r\n", unusualTransferEncoding},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
       unusualTransferEncoding | transferEncodingNotChunked},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", transferEncodingInHttp10},
  };
  for (const Case& c : cases) {
    CAPTURE(c.head);
    const std::string text = c.head;
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    Scratch scratch(32);
    size_t lines = 0, length = 0;
    REQUIRE(scanLines(bytes, text.size(), scratch.marks.data(), scratch.marks.size(), lines, length,
                      scratch.controls) == ScanResult::complete);
    Head head;
    REQUIRE(parseHead(bytes, length, lines, scratch, head));
    CHECK(head.suspicious == c.reasons);
  }
}

TEST_CASE("http1: what is suspicious between chunks, however it is cut") {
  struct Case {
    const char* chunks;
    uint32_t reasons;
    const char* body;  ///< null: aborted
  };
  using namespace suspicion;
  const Case cases[] = {
      {"3\r\nabc\r\n0\r\n\r\n", 0, "abc"},
      {"003;a=\"b;c\";d\r\nabc\r\n00\r\nT: 1\r\n\r\n", 0, "abc"},
      {"3\nabc\r\n0\r\n\r\n", chunkBareLf, "abc"},
      {"3\r\nabc\n0\r\n\r\n", chunkBareLf, "abc"},
      {"3\r\nabc\r\r\n0\r\n\r\n", bareCr, "abc"},
      {"3\r\nabc\r\n0\r\n\n", bareLf, "abc"},
      {"3 \r\nabc\r\n0\r\n\r\n", invalidChunkExtension, "abc"},
      {"3;a\rb\r\nabc\r\n0\r\n\r\n", invalidChunkExtension, "abc"},
      {"3;a\x01\r\nabc\r\n0\r\n\r\n", invalidChunkExtension, "abc"},
      {" 3\r\nabc\r\n0\r\n\r\n", invalidChunkSize, "abc"},
      {"3g\r\nabc\r\n0\r\n\r\n", invalidChunkSize, "abc"},
      {"0x3\r\nabc\r\n0\r\n\r\n", invalidChunkSize, nullptr},
      {"+3\r\nabc\r\n0\r\n\r\n", invalidChunkSize, nullptr},
      {"FFFFFFFFFFFFFFFF3\r\nabc\r\n0\r\n\r\n", invalidChunkSize, nullptr},
      {"3\r\nabcd\r\n0\r\n\r\n", invalidChunkEnd, nullptr},
      {"3\r\nabc\r\n0\r\nA: 1\r\n 2\r\n\r\n", obsFold, "abc"},
  };
  for (const Case& c : cases) {
    const std::string wire = std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") + c.chunks;
    for (size_t cut = 1; cut <= wire.size(); cut++) {
      CAPTURE(c.chunks);
      CAPTURE(cut);
      Fixture f;
      f.feed(wire.substr(0, cut));
      f.feed(wire.substr(cut));
      CHECK(f.recorder.suspicious == c.reasons);
      if (c.body != nullptr)
        CHECK(f.recorder.log.back() == std::string("end body=") + c.body);
      else
        CHECK(f.recorder.log.back().find("damage 3") != std::string::npos);
    }
  }
}

TEST_CASE("http1: a body in doubt is none when a response begins the next segment") {
  const char* next = "HTTP/1.1 204 No Content\r\n\r\n";
  for (const char* framing : {"Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
    CAPTURE(framing);
    Fixture f;
    f.recorder.answerUntilClose = true;
    f.recorder.doubtful = true;
    f.feed(std::string("HTTP/1.1 200 OK\r\n") + framing + "\r\n");
    f.feed(next);
    REQUIRE(f.recorder.log.size() == 3);
    CHECK(f.recorder.log[1] == "end body=");
    CHECK(f.recorder.log[2].find("response HTTP/1.1 204") == 0);
  }
  SUBCASE("not when some of the body came before") {
    Fixture f;
    f.recorder.doubtful = true;
    f.feed("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na");
    f.feed(next);
    CHECK(f.recorder.log.size() == 1);
  }
  SUBCASE("nor when the request is known") {
    Fixture f;
    f.feed("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    f.feed(next);
    CHECK(f.recorder.log.size() == 1);
  }
}

TEST_CASE("http1: a long head or trailer section in single bytes does not take quadratic time") {
  // A second or two with the work of a square; the test program runs without optimisation, so no clock here: it would
  // hang.
  Fixture f;
  f.feed("GET /");
  for (int i = 0; i < 300000; i++) f.feed("a");
  f.feed(" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  for (int i = 0; i < 200000; i++) f.feed(i % 100 == 0 ? "\r\nX:" : "b");
  f.feed("\r\n\r\n");
  CHECK(f.recorder.log.back() == "end body=");
}
