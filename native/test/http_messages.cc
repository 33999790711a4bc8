// Messages, pairing and what depends on it.
#include <doctest/doctest.h>

#include "http_harness.h"

using namespace flowtap;
using namespace flowtap::test;
using Lines = std::vector<std::string>;

TEST_CASE("http: keep-alive requests and their responses") {
  HttpHarness h;
  h.client("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 10);
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 20);
  h.client("POST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\nab", 30);
  h.client("cd", 31);
  h.server("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nno", 40);
  h.server("ne", 45);
  CHECK(h.summary() == Lines{"1 GET /a HTTP/1.1 []", "2<-1 HTTP/1.1 200 OK [ok]", "3 POST /b HTTP/1.1 [abcd]",
                             "4<-3 HTTP/1.1 404 Not Found [none]"});
  CHECK(h.messages[2].startNs == 30);
  CHECK(h.messages[2].endNs == 31);
  CHECK(h.messages[3].startNs == 40);
  CHECK(h.messages[3].endNs == 45);
  CHECK(h.stats.http_messagesStarted == 4);
  CHECK(h.stats.http_messagesFinished == 4);
  CHECK(h.stats.http_messagesOpen == 0);
  CHECK(h.stats.http_pendingBytes == 0);
}

TEST_CASE("http: pipelined requests are answered in order") {
  HttpHarness h;
  h.client("GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
  h.server(
      "HTTP/1.1 200 A\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 B\r\nContent-Length: 100\r\n\r\n"
      "HTTP/1.1 200 C\r\nContent-Length: 1\r\n\r\nc");
  CHECK(h.summary() == Lines{"1 GET /a HTTP/1.1 []", "2 HEAD /b HTTP/1.1 []", "3 GET /c HTTP/1.1 []",
                             "4<-1 HTTP/1.1 200 A [a]", "5<-2 HTTP/1.1 200 B []", "6<-3 HTTP/1.1 200 C [c]"});
}

TEST_CASE("http: interim responses belong to the request and do not answer it") {
  HttpHarness h;
  h.client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  h.server("HTTP/1.1 100 Continue\r\n\r\n");
  h.server("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  h.client("abc");
  h.server("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  // The request was not over when they came: they wait for it.
  CHECK(h.summary() == Lines{"1 POST / HTTP/1.1 [abc]", "2<-1 HTTP/1.1 100 Continue []",
                             "3<-1 HTTP/1.1 103 Early Hints []", "4<-1 HTTP/1.1 201 Created []"});
  CHECK(h.messages[1].has(http::flag::interim));
  CHECK(h.messages[2].has(http::flag::interim));
  CHECK_FALSE(h.messages[3].has(http::flag::interim));
}

TEST_CASE("http: a response that is over before its request is delivered after it") {
  HttpHarness h;
  h.client("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc");
  h.server("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  CHECK(h.messages.empty());
  CHECK(h.stats.delivery_messagesHeld == 1);
  SUBCASE("which ends") {
    h.client("def");
    CHECK(h.summary() == Lines{"1 POST / HTTP/1.1 [abcdef]", "2<-1 HTTP/1.1 413 Too Large [no]"});
  }
  SUBCASE("which never ends") {
    h.close(tcp::CloseReason::reset);
    CHECK(h.summary() == Lines{"1 POST / HTTP/1.1 [abc] aborted", "2<-1 HTTP/1.1 413 Too Large [no]"});
  }
  CHECK(h.stats.delivery_messagesHeld == 0);
  CHECK(h.stats.http_pendingBytes == 0);
}

TEST_CASE("http: statuses without a body") {
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    HttpHarness h;
    h.client("GET / HTTP/1.1\r\n\r\n");
    h.server(std::string("HTTP/1.1 ") + status +
             "\r\nContent-Length: 10\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(h.messages.size() == 3);
    CHECK(h.messages[1].bodyLength == 0);
    CHECK(h.messages[2].status == 200);
  }
}

TEST_CASE("http: a body that ends with the connection") {
  HttpHarness h;
  h.client("GET / HTTP/1.0\r\n\r\n");
  h.server("HTTP/1.0 200 OK\r\n\r\nuntil ");
  h.server("the end");
  SUBCASE("orderly") {
    h.end(1);
    CHECK(h.summary().back() == "2<-1 HTTP/1.0 200 OK [until the end]");
    CHECK(h.messages.back().has(http::flag::untilClose));
  }
  SUBCASE("by reset") {
    h.close(tcp::CloseReason::reset);
    CHECK(h.summary().back() == "2<-1 HTTP/1.0 200 OK [until the end] aborted");
  }
  SUBCASE("of the capture") {
    h.close(tcp::CloseReason::ended);
    CHECK(h.summary().back() == "2<-1 HTTP/1.0 200 OK [until the end] truncated");
  }
}

TEST_CASE("http: chunked bodies and trailers") {
  HttpHarness h;
  h.client("GET / HTTP/1.1\r\n\r\n");
  h.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-Sum: 7\r\n\r\n");
  CHECK(h.summary().back() == "2<-1 HTTP/1.1 200 OK [abcdefg]");
  CHECK(h.messages[1].bodyLength == 7);
  REQUIRE(h.messages[1].trailers.size() == 1);
  CHECK(h.messages[1].trailers[0] == std::pair<std::string, std::string>("X-Sum", "7"));
  CHECK(h.messages[1].has(http::flag::chunked));
}

TEST_CASE("http: tunnels are counted, not parsed") {
  SUBCASE("CONNECT") {
    HttpHarness h;
    h.client("CONNECT example.org:443 HTTP/1.1\r\n\r\n");
    h.server("HTTP/1.1 200 Connection established\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    h.client("GET / HTTP/1.1\r\n\r\n");
    CHECK(h.messages.size() == 2);
    CHECK(h.messages[1].has(http::flag::upgraded));
    CHECK(h.stats.http_tunnelBytes == 36);
  }
  SUBCASE("CONNECT that was refused") {
    HttpHarness h;
    h.client("CONNECT example.org:443 HTTP/1.1\r\n\r\n");
    h.server("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    h.client("GET / HTTP/1.1\r\n\r\n");
    CHECK(h.messages.size() == 3);
  }
  SUBCASE("101") {
    HttpHarness h;
    h.client("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    h.server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
    h.client("\x81\x02ho");
    CHECK(h.messages.size() == 2);
    CHECK(h.stats.http_tunnelBytes == 8);
  }
}

TEST_CASE("http: only one direction was captured") {
  SUBCASE("requests") {
    HttpHarness h({}, false);
    for (int i = 0; i < 2000; i++) h.client("GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n");
    CHECK(h.messages.size() == 2000);
    CHECK(h.messages[0].clientSide == 0);
  }
  SUBCASE("responses") {
    HttpHarness h({}, false);
    h.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    CHECK(h.summary() == Lines{"1 HTTP/1.1 200 OK [ok]", "2 HTTP/1.1 200 OK [ok]"});
    CHECK(h.messages[0].clientSide == 0);
  }
}

TEST_CASE("http: a body with a hole is kept up to the hole") {
  HttpHarness h;
  h.client("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  h.gap(0, 4);
  h.client("hijGET /next HTTP/1.1\r\n\r\n");
  CHECK(h.summary() == Lines{"1 POST / HTTP/1.1 [abc] gap", "2 GET /next HTTP/1.1 []"});
  CHECK(h.messages[0].bodyLength == 6);
  CHECK(h.messages[0].missingBytes == 4);
}

TEST_CASE("http: bytes beyond the snap length make the message truncated, a gap counts for more") {
  HttpHarness h;
  h.client("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  h.gap(0, 2, tcp::GapCause::truncated);
  SUBCASE("alone") {
    h.client("fghij");
    CHECK(h.messages[0].integrity == http::Integrity::truncated);
  }
  SUBCASE("with a gap") {
    h.gap(0, 5);
    CHECK(h.messages[0].integrity == http::Integrity::gap);
  }
}

TEST_CASE("http: after a lost answer the next one goes with its own request") {
  HttpHarness h;
  h.client("GET /a HTTP/1.1\r\n\r\n");
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  h.client("GET /b HTTP/1.1\r\n\r\n");
  h.gap(1, 50);
  h.client("GET /c HTTP/1.1\r\n\r\n");
  h.server("HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(h.summary() == Lines{"1 GET /a HTTP/1.1 []", "2<-1 HTTP/1.1 200 OK [ok]", "3 GET /b HTTP/1.1 []",
                             "4 GET /c HTTP/1.1 []", "5<-4 HTTP/1.1 201 OK [ok]"});
}

TEST_CASE("http: a head that is not whole is not blamed for what it may have had") {
  HttpHarness h;
  h.client("GET /lost HTTP/1.1\r\nHo");
  h.gap(0, 3);
  REQUIRE(h.messages.size() == 1);
  CHECK(h.messages[0].integrity == http::Integrity::gap);
  CHECK(h.messages[0].suspicious == 0);
}

TEST_CASE("http: limits on bodies") {
  http::HttpOptions options;
  options.maxBodyBytes = 5;
  SUBCASE("a part is kept, all is counted") {
    HttpHarness h(options);
    h.client("POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\nabc");
    h.client("defgh");
    CHECK(h.summary() == Lines{"1 POST / HTTP/1.1 [abcde]"});
    CHECK(h.messages[0].bodyLength == 8);
    CHECK(h.messages[0].has(http::flag::bodyTruncated));
    CHECK(h.stats.http_bodyBytesCut == 3);
  }
  SUBCASE("exactly as much is not cut") {
    HttpHarness h(options);
    h.client("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde");
    CHECK_FALSE(h.messages[0].has(http::flag::bodyTruncated));
  }
  SUBCASE("none are wanted") {
    options.body = http::BodyMode::none;
    HttpHarness h(options);
    h.client("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde");
    CHECK(h.summary() == Lines{"1 POST / HTTP/1.1 []"});
    CHECK_FALSE(h.messages[0].has(http::flag::bodyKept));
    CHECK(h.messages[0].bodyLength == 5);
  }
  SUBCASE("all connections together") {
    options.maxBodyBytes = 1000;
    options.parser.maxPendingBytes = 100;
    HttpHarness h(options);
    h.client("POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n" + std::string(10, 'x'));
    h.client(std::string(490, 'x'));
    CHECK(h.messages[0].bodyLength == 500);
    CHECK(h.messages[0].has(http::flag::bodyTruncated));
    CHECK(h.messages[0].body.size() < 100);
  }
}

TEST_CASE("http: unfinished heads and trailers count against the memory of all connections") {
  http::HttpOptions options;
  options.parser.maxPendingBytes = 1000;
  HttpHarness h(options);
  SUBCASE("a head in pieces") {
    h.client("GET / HTTP/1.1\r\n");
    for (int i = 0; i < 100; i++) h.client("X: 0123456789012345678901234567890123456789\r\n");
  }
  SUBCASE("the first piece") { h.client("GET / HTTP/1.1\r\nX: " + std::string(2000, 'x')); }
  SUBCASE("trailers") {
    h.client("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
    for (int i = 0; i < 100; i++) h.client("X: 0123456789012345678901234567890123456789\r\n");
  }
  CHECK(h.stats.http_headsTooLarge == 1);
  CHECK(h.stats.http_pendingBytes <= 1000);
  h.client("\r\nGET /next HTTP/1.1\r\n\r\n");
  CHECK(h.summary().back().find("GET /next HTTP/1.1") != std::string::npos);
}

TEST_CASE("http: every cut of a conversation gives the same messages") {
  const std::string up =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n"
      "HEAD /b HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string down =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nworldHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  HttpHarness whole;
  whole.client(up);
  whole.server(down);
  const Lines expected = whole.summary();
  REQUIRE(expected.size() == 4);
  for (size_t cut = 1; cut < up.size(); cut++) {
    HttpHarness h;
    h.client(up.substr(0, cut));
    h.client(up.substr(cut));
    h.server(down.substr(0, cut % down.size()));
    h.server(down.substr(cut % down.size()));
    CHECK(h.summary() == expected);
  }
}

TEST_CASE("http: memory is given back when connections close in the middle of everything") {
  HttpHarness h;
  h.client("POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + std::string(5000, 'x'));
  h.server("HTTP/1.1 200 O");
  CHECK(h.stats.http_pendingBytes > 5000);
  h.close(tcp::CloseReason::evicted);
  CHECK(h.stats.http_pendingBytes == 0);
  CHECK(h.messages.size() == 1);
  CHECK(h.messages[0].integrity == http::Integrity::truncated);
}

TEST_CASE("http: suspicious ways of writing are told with the message") {
  namespace suspicion = http::suspicion;
  HttpHarness h;
  h.client(
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"
      "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  h.server("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n");
  h.server("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(h.messages.size() == 4);
  CHECK(h.messages[0].suspicious == (suspicion::lengthAndTransferEncoding | suspicion::chunkBareLf));
  CHECK(h.messages[1].suspicious == 0);
  CHECK(h.messages[2].suspicious == suspicion::framingOfBodilessResponse);
  CHECK(h.messages[3].suspicious == 0);
}

TEST_CASE("http: identity is no transfer coding") {
  HttpHarness h;
  h.client("POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n");
  CHECK(h.summary() == Lines{"1 POST / HTTP/1.1 [abc]", "2 GET /b HTTP/1.1 []"});
}

TEST_CASE("http: of responses alone, one that is directly followed by the next has no body") {
  HttpHarness h({}, false);
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  h.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(h.summary() == Lines{"1 HTTP/1.1 200 OK []", "2 HTTP/1.1 200 OK [ok]"});
  SUBCASE("with its request it has one") {
    HttpHarness known;
    known.client("GET / HTTP/1.1\r\n\r\n");
    known.server("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n");
    known.server("HTTP/1.1 200 OK\r\n\r\n");
    CHECK(known.summary().back() == "2<-1 HTTP/1.1 200 OK [HTTP/1.1 200 OK\r\n\r\n]");
  }
}

TEST_CASE("http: a PROXY header makes its side the client and the start known") {
  HttpHarness h({}, false);
  stream::ProxyHeader header{};
  header.ipVersion = 4;
  header.sourcePort = 1234;
  h.handler.proxied(h.info, h.state, 1, header);
  h.offset[1] = 50;
  h.server("odd-method / HTTP/1.1\r\n\r\n");
  REQUIRE(h.messages.size() == 1);
  CHECK(h.messages[0].clientSide == 1);
  CHECK(h.messages[0].proxiedPort == 1234);
}
