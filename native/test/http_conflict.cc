// Which messages are marked when packets disagree.
#include <doctest/doctest.h>

#include "http_harness.h"

using namespace flowtap;
using namespace flowtap::test;
using tcp::ConflictAt;

namespace {

constexpr uint16_t mark = http::flag::conflict;

void disagree(HttpHarness& h, tcp::Side side, uint64_t offset, uint64_t length, ConflictAt where) {
  h.handler.conflict(h.info, h.state, side, offset, length, where);
}
/// About the bytes that are sent next.
void sendDisputed(HttpHarness& h, tcp::Side side, const std::string& bytes) {
  disagree(h, side, h.offset[side], bytes.size(), ConflictAt::next);
  h.send(side, bytes);
}

}  // namespace

TEST_CASE("http conflict: the first bytes of a connection") {
  HttpHarness h;
  sendDisputed(h, 0, "GET /a HTTP/1.1\r\n\r\n");
  h.client("GET /b HTTP/1.1\r\n\r\n");
  REQUIRE(h.messages.size() == 2);
  CHECK(h.messages[0].has(mark));
  CHECK_FALSE(h.messages[1].has(mark));
}

TEST_CASE("http conflict: in a head that comes in parts") {
  HttpHarness h;
  h.client("GET /a HTTP/1.1\r\n\r\n");
  SUBCASE("with the part that is disputed") {
    sendDisputed(h, 0, "GET /b HT");
    h.client("TP/1.1\r\n\r\n");
  }
  SUBCASE("with a later one") {
    h.client("GET /b HT");
    sendDisputed(h, 0, "TP/1.1\r\n\r\n");
  }
  SUBCASE("of which a part was handed on") {
    h.client("GET /b HT");
    disagree(h, 0, h.offset[0] - 3, 2, ConflictAt::handedOn);
    h.client("TP/1.1\r\n\r\n");
  }
  h.client("GET /c HTTP/1.1\r\n\r\n");
  REQUIRE(h.messages.size() == 3);
  CHECK_FALSE(h.messages[0].has(mark));
  CHECK(h.messages[1].has(mark));
  CHECK_FALSE(h.messages[2].has(mark));
}

TEST_CASE("http conflict: bytes of two messages") {
  HttpHarness h;
  h.client("POST /a HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc");
  sendDisputed(h, 0, "defGET /b HTTP/1.1\r\n\r\n");
  h.client("GET /c HTTP/1.1\r\n\r\n");
  REQUIRE(h.messages.size() == 3);
  CHECK(h.messages[0].has(mark));
  CHECK(h.messages[1].has(mark));
  CHECK_FALSE(h.messages[2].has(mark));
}

TEST_CASE("http conflict: with bytes that were handed on, the message they belong to is marked while it is open") {
  HttpHarness h;
  const std::string first = "GET /a HTTP/1.1\r\n\r\n";
  h.client(first + "POST /b HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc");
  bool marked = false;
  SUBCASE("its head") {
    disagree(h, 0, first.size(), 4, ConflictAt::handedOn);
    marked = true;
  }
  SUBCASE("its body") {
    disagree(h, 0, h.offset[0] - 1, 1, ConflictAt::handedOn);
    marked = true;
  }
  SUBCASE("not when they belong to one that is over") { disagree(h, 0, first.size() - 4, 4, ConflictAt::handedOn); }
  SUBCASE("not when they are of the other side") {
    h.server("HTTP/1.1 200 OK\r\n");
    disagree(h, 1, 0, 4, ConflictAt::handedOn);
  }
  h.client("def");
  disagree(h, 0, 0, h.offset[0], ConflictAt::handedOn);
  h.client("GET /c HTTP/1.1\r\n\r\n");
  REQUIRE(h.messages.size() == 3);
  CHECK_FALSE(h.messages[0].has(mark));
  CHECK(h.messages[1].has(mark) == marked);
  CHECK_FALSE(h.messages[2].has(mark));
}
