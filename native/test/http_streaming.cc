// Messages that are delivered before their end, and requests that stay without a response.
#include <doctest/doctest.h>

#include "test/http_harness.h"

using namespace flowtap;
using test::HttpHarness;
using Unanswered = std::vector<std::pair<uint64_t, http::NoResponse>>;

namespace {

http::HttpOptions streaming() {
  http::HttpOptions options;
  options.body = http::BodyMode::stream;
  return options;
}

const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("a message is delivered when its head is complete, and its body follows") {
  HttpHarness h(streaming());
  h.client(get);
  h.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
  CHECK(h.messages.size() == 1);
  h.server("\r\n3\r\nab");
  REQUIRE(h.messages.size() == 2);
  const auto& response = h.messages[1];
  CHECK(response.requestId == 1);
  CHECK(response.has(http::flag::streaming));
  CHECK(response.body == "ab");
  h.server("c\r\n2\r\n", 2);
  h.server("de\r\n0\r\nx-end: 1\r\n", 3);
  CHECK_FALSE(response.finished);
  h.server("\r\n", 4);
  CHECK(response.finished);
  CHECK(response.chunks == std::vector<std::string>{"c", "de"});
  CHECK(response.bodyLength == 5);
  CHECK(response.endNs == 4);
  CHECK(response.integrity == http::Integrity::complete);
  REQUIRE(response.trailers.size() == 1);
  CHECK(h.stats.http_messagesOpen == 0);
  CHECK(h.stats.http_messagesFinished == 2);
}

TEST_CASE("a message that lies in one packet needs no continuation") {
  HttpHarness h(streaming());
  h.client("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab");
  REQUIRE(h.messages.size() == 1);
  CHECK_FALSE(h.messages[0].has(http::flag::streaming));
  CHECK(h.messages[0].body == "ab");
  CHECK_FALSE(h.messages[0].finished);
}

TEST_CASE("a response does not wait for the end of a request that was delivered") {
  HttpHarness h(streaming());
  h.client("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
  h.server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  h.client("cd");
  CHECK(h.summary() == std::vector<std::string>{"1 POST / HTTP/1.1 [ab]", "2<-1 HTTP/1.1 413 Too Large []"});
  CHECK(h.messages[0].finished);
  CHECK(h.stats.delivery_messagesHeld == 0);
}

TEST_CASE("a hole in a streamed body is told in its place") {
  HttpHarness h(streaming());
  h.client(get);
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
  h.gap(1, 3);
  h.server("ghi");
  const auto& response = h.messages[1];
  CHECK(response.chunks == std::vector<std::string>{"<3>", "ghi"});
  CHECK(response.finished);
  CHECK(response.integrity == http::Integrity::gap);
  CHECK(response.missingBytes == 3);
}

TEST_CASE("a streamed message that is cut off ends with its connection") {
  HttpHarness h(streaming());
  h.client(get);
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
  h.close(tcp::CloseReason::reset);
  CHECK(h.messages[1].finished);
  CHECK(h.messages[1].integrity == http::Integrity::aborted);
  CHECK(h.unansweredRequests.empty());
}

TEST_CASE("nothing follows a streamed message that was dropped") {
  HttpHarness h(streaming());
  h.dropId = 2;
  h.client(get);
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
  h.gap(1, 1);
  h.server("ef");
  CHECK(h.messages.size() == 1);
  CHECK(h.stats.delivery_messagesDropped == 1);
  CHECK(h.stats.http_messagesFinished == 1);
  CHECK(h.stats.http_messagesOpen == 0);
}

TEST_CASE("why a request stays without a response") {
  struct Case {
    tcp::CloseReason close;
    http::NoResponse reason;
  };
  for (const Case& c :
       {Case{tcp::CloseReason::finished, http::NoResponse::closed},
        Case{tcp::CloseReason::reset, http::NoResponse::reset}, Case{tcp::CloseReason::idle, http::NoResponse::idle},
        Case{tcp::CloseReason::evicted, http::NoResponse::evicted},
        Case{tcp::CloseReason::reused, http::NoResponse::closed},
        Case{tcp::CloseReason::ended, http::NoResponse::ended}}) {
    HttpHarness h;
    h.client(get + get);
    h.server("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    CHECK(h.unansweredRequests.empty());
    h.close(c.close);
    CHECK(h.unansweredRequests == Unanswered{{2, c.reason}});
  }
}

TEST_CASE("a request that is cut off is delivered before it is told that it has no response") {
  HttpHarness h;
  h.client("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
  h.close(tcp::CloseReason::ended);
  CHECK(h.messages.size() == 1);
  CHECK(h.unansweredRequests == Unanswered{{1, http::NoResponse::ended}});
}

TEST_CASE("a response that was lost is told when what follows shows it") {
  HttpHarness h;
  h.client(get);
  h.gap(1, 100);
  h.client(get);
  h.server("HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(h.unansweredRequests == Unanswered{{1, http::NoResponse::lost}});
  CHECK(h.messages.back().requestId == 2);
}

TEST_CASE("of too many requests without a response the oldest are given up") {
  HttpHarness h;
  for (int i = 0; i < 513; i++) h.client(get);
  CHECK(h.unansweredRequests == Unanswered{{1, http::NoResponse::evicted}});
}

TEST_CASE("the responses to requests that were given up are still expected") {
  for (const size_t count : {512, 513, 2000}) {
    CAPTURE(count);
    HttpHarness h;
    h.client("HEAD / HTTP/1.1\r\n\r\n");
    for (size_t i = 1; i < count; i++) h.client(get);
    h.server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    for (size_t i = 1; i < count; i++)
      h.server("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(h.messages.size() == count + 1 + (count - 1) * 2);
    CHECK(h.messages[count].bodyLength == 0);
    for (size_t i = 1; i < count; i++) {
      const uint64_t requestId = i < count - 512 ? 0 : i + 1;
      CHECK(h.messages[count + 2 * i - 1].requestId == requestId);
      CHECK(h.messages[count + 2 * i].requestId == requestId);
    }
    CHECK(h.unansweredRequests.size() == count - 512);
    h.client(get);
    h.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(h.messages.back().requestId == h.messages[h.messages.size() - 2].id);
  }
}

TEST_CASE("a refused request whose body never comes lets its responses go, in order") {
  const std::string refused = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  const std::string refusal = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno";
  HttpHarness h;
  h.client(refused, 1);
  h.server(refusal, 2);
  CHECK(h.messages.empty());
  CHECK(h.stats.delivery_messagesHeld == 2);
  h.client(get, 9);
  CHECK(h.summary() == std::vector<std::string>{"1 POST / HTTP/1.1 []", "2<-1 HTTP/1.1 102 Processing []",
                                                "3<-1 HTTP/1.1 417 No [no]", "4 GET / HTTP/1.1 []"});
  CHECK(h.messages[0].endNs == 1);
  CHECK(h.messages[0].bodyLength == 0);
  CHECK(h.stats.delivery_messagesHeld == 0);

  HttpHarness closed;
  closed.client(refused);
  closed.server(refusal);
  closed.close(tcp::CloseReason::finished);
  CHECK(closed.summary().size() == 3);
  CHECK(closed.messages[0].integrity == http::Integrity::complete);

  HttpHarness cut;
  cut.client(refused);
  cut.server(refusal);
  cut.close(tcp::CloseReason::ended);
  CHECK(cut.messages[0].integrity == http::Integrity::truncated);
}
