// Bodies that keep their framing.
#include "http_harness.h"

using namespace flowtap;
using flowtap::test::HttpHarness;

namespace {

const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string body = "5;ext=\"1\"\r\nhello\r\n00A\n0123456789\r\n0;last\r\nX-Sum: 1\r\n\r\n";

http::HttpOptions wire() {
  http::HttpOptions options;
  options.parser.tellsFraming = true;
  return options;
}

}  // namespace

TEST_CASE("http: a chunked body as on the wire, however it is cut") {
  const std::string sent = head + body + head + "0\r\n\r\n";
  for (size_t cut = 1; cut <= sent.size(); cut++) {
    HttpHarness h(wire());
    h.client("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    h.server(sent.substr(0, cut));
    if (cut < sent.size()) h.server(sent.substr(cut));
    REQUIRE(h.messages.size() == 4);
    CHECK(h.messages[2].body == body);
    CHECK(h.messages[2].bodyLength == 15);
    CHECK(h.messages[2].trailers.size() == 1);
    CHECK(h.messages[2].has(http::flag::framed));
    CHECK_FALSE(h.messages[2].has(http::flag::bodyKept));
    CHECK(h.messages[3].body == "0\r\n\r\n");
    CHECK(h.messages[3].bodyLength == 0);
    CHECK(h.stats.http_bodyBytes == 15);
    CHECK(h.stats.http_bodyBytesCut == 0);
    CHECK(h.stats.http_pendingBytes == 0);
  }
}

TEST_CASE("http: other bodies have no framing to keep") {
  HttpHarness h(wire());
  h.client("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nok");
  CHECK(h.messages[0].body == "ok");
  CHECK(h.messages[0].has(http::flag::bodyKept));
  CHECK_FALSE(h.messages[0].has(http::flag::framed));
}

TEST_CASE("http: framing counts against the limit, and ends at the first hole") {
  http::HttpOptions options = wire();
  options.maxBodyBytes = 7;
  HttpHarness limited(options);
  limited.server(head + "3\r\nabc\r\n0\r\n\r\n");
  limited.close(tcp::CloseReason::finished);
  CHECK(limited.messages[0].body == "3\r\nabc\r");
  CHECK(limited.messages[0].bodyLength == 3);
  CHECK(limited.messages[0].has(http::flag::bodyTruncated));
  CHECK(limited.stats.http_bodyBytesCut == 0);

  HttpHarness holed(wire());
  holed.server(head + "5\r\nab");
  holed.gap(1, 2);
  holed.server("e\r\n0\r\n\r\n");
  CHECK(holed.messages[0].body == "5\r\nab");
  CHECK(holed.messages[0].integrity == http::Integrity::gap);
}

TEST_CASE("http: bodies that are not wanted are not kept with their framing either") {
  http::HttpOptions options = wire();
  options.body = http::BodyMode::none;
  HttpHarness h(options);
  h.server(head + body);
  CHECK(h.messages[0].body.empty());
  CHECK_FALSE(h.messages[0].has(http::flag::framed));
}
