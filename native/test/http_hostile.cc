// What fuzzing found: bytes that nobody sends by accident.
#include <doctest/doctest.h>

#include "http_harness.h"

using namespace flowtap;
using namespace flowtap::test;
using Lines = std::vector<std::string>;

TEST_CASE("http: a message found in what was kept as the start of another outlives it") {
  HttpHarness h;
  // Looks like a start line up to the end of the packet, and is none; inside of it a message begins.
  h.client("GET /");
  h.client(std::string("\n") + "POST /a HTTP/1.1\r\nContent-Length: 6\r\n\r\nab");
  h.client("cd");
  h.client("ef");
  CHECK(h.summary() == Lines{"1 POST /a HTTP/1.1 [abcdef]"});
  HttpHarness searching({}, false);
  searching.server("xx\nHTTP/1.1 ");
  searching.server("abc\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nno");
  searching.server("ne");
  CHECK(searching.summary() == Lines{"1 HTTP/1.1 200 OK [none]"});
}
