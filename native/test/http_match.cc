// Programs that select messages, and what becomes of messages that they reject.
#include <doctest/doctest.h>

#include <cstring>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "http/match_fields.h"
#include "http/match_program.h"
#include "http/matcher.h"
#include "http_harness.h"

using namespace flowtap;
using http::MatchField;
using http::MatchOpcode;
using http::MatchSide;
using http::Verdict;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes u16(size_t value) { return {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8)}; }
Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
Bytes sized(const std::string& text) { return join({u16(text.size()), Bytes(text.begin(), text.end())}); }

Bytes node(MatchOpcode opcode, uint8_t field, MatchSide side, bool caseless, size_t count, const Bytes& rest) {
  return join({{static_cast<uint8_t>(opcode), field, static_cast<uint8_t>(side), caseless},
               u16(count),
               u16(rest.size()),
               rest});
}
Bytes logic(MatchOpcode opcode, std::initializer_list<Bytes> nodes) {
  return node(opcode, 0, MatchSide::message, false, nodes.size(), join(nodes));
}
Bytes both(std::initializer_list<Bytes> nodes) { return logic(MatchOpcode::both, nodes); }
Bytes either(std::initializer_list<Bytes> nodes) { return logic(MatchOpcode::either, nodes); }
Bytes negated(const Bytes& inner) { return logic(MatchOpcode::negation, {inner}); }

uint8_t number(MatchField field) { return static_cast<uint8_t>(field); }
Bytes text(MatchField field, std::initializer_list<std::string> pieces, bool caseless = false,
           MatchSide side = MatchSide::message, const Bytes& before = {}) {
  Bytes pattern = u16(pieces.size());
  for (const std::string& piece : pieces) pattern = join({pattern, sized(piece)});
  return node(MatchOpcode::text, number(field), side, caseless, 1, join({before, pattern}));
}
Bytes header(const std::string& name, std::initializer_list<std::string> pieces) {
  return text(MatchField::header, pieces, false, MatchSide::message, sized(name));
}
Bytes range(MatchField field, size_t low, size_t high, MatchSide side = MatchSide::message) {
  return node(MatchOpcode::number, number(field), side, false, 1, join({u16(low), u16(high)}));
}
Bytes exists(MatchField field, const Bytes& before = {}) {
  return node(MatchOpcode::exists, number(field), MatchSide::message, false, 0, before);
}
Bytes prefix(MatchField field, uint8_t family, uint8_t bits, std::initializer_list<uint8_t> last) {
  Bytes address(16 - last.size(), 0);
  if (family == 4) address[10] = address[11] = 0xff;
  address.insert(address.end(), last);
  return node(MatchOpcode::address, number(field), MatchSide::message, false, 1, join({{family, bits}, address}));
}
Bytes program(const Bytes& root) { return join({{1, 0}, u16(root.size()), root}); }
Bytes status(size_t low, size_t high) { return range(MatchField::status, low, high, MatchSide::response); }

std::shared_ptr<const http::MatchProgram> read(const Bytes& bytes) {
  return http::readMatchProgram(bytes.data(), bytes.size());
}

http::HttpOptions selecting(const Bytes& root, bool exchanges = false, bool together = false) {
  http::HttpOptions options;
  options.selection.program = read(program(root));
  REQUIRE(options.selection.program != nullptr);
  options.selection.exchanges = exchanges;
  options.selection.together = together;
  return options;
}

/// Start lines of what is delivered of an exchange.
std::vector<std::string> delivered(const Bytes& root, const std::string& request, const std::string& response) {
  test::HttpHarness h(selecting(root));
  h.info.ipVersion = 4;
  const uint8_t client[4] = {10, 0, 0, 1};
  const uint8_t server[4] = {192, 168, 7, 9};
  h.info.address[0] = decode::Address::fromV4(client);
  h.info.address[1] = decode::Address::fromV4(server);
  h.client(request);
  h.server(response);
  h.close(tcp::CloseReason::finished);
  std::vector<std::string> lines;
  for (const test::Delivered& message : h.messages) lines.push_back(message.startLine);
  CHECK(h.stats.http_messagesNotSelected + h.messages.size() == 2);
  CHECK(h.stats.http_messagesOpen == 0);
  CHECK(h.stats.http_pendingBytes == 0);
  return lines;
}

const char* const post =
    "POST /a/b?x=1&y HTTP/1.1\r\nHost: Example.org:8080\r\nX-A: one\r\nx-a: two\r\nContent-Length: 2\r\n\r\nhi";
const char* const ok = "HTTP/1.1 200 Fine\r\nContent-Length: 3\r\n\r\nyes";

int hits(const Bytes& root) {
  int mask = 0;
  for (const std::string& line : delivered(root, post, ok)) mask |= line[0] == 'P' ? 1 : 2;
  return mask;
}

}  // namespace

TEST_CASE("http match: every field and operator") {
  using F = MatchField;
  CHECK(hits(range(F::kind, 1, 1)) == 1);
  CHECK(hits(range(F::kind, 2, 2)) == 2);
  CHECK(hits(exists(F::kind)) == 3);
  CHECK(hits(text(F::method, {"post"}, true)) == 1);
  CHECK(hits(text(F::method, {"post"})) == 0);
  CHECK(hits(text(F::target, {"/a", "y"})) == 1);
  CHECK(hits(text(F::target, {"/a", "/b"})) == 0);
  CHECK(hits(text(F::path, {"/a/b"})) == 1);
  CHECK(hits(text(F::query, {"x=1&y"})) == 1);
  CHECK(hits(text(F::query, {"", "=1", ""})) == 1);
  CHECK(hits(text(F::host, {"example.org"}, true)) == 1);
  CHECK(hits(text(F::host, {"example.org:8080"}, true)) == 1);
  CHECK(hits(text(F::host, {"example.org:80"}, true)) == 0);
  CHECK(hits(header("x-a", {"two"})) == 1);
  CHECK(hits(header("x-a", {"three"})) == 0);
  CHECK(hits(exists(F::header, sized("content-length"))) == 3);
  CHECK(hits(header("content-length", {"3"})) == 2);
  CHECK(hits(range(F::status, 200, 299)) == 2);
  CHECK(hits(range(F::status, 300, 299)) == 0);
  CHECK(hits(text(F::statusText, {"F", "e"})) == 2);
  CHECK(hits(range(F::httpVersion, 0x11, 0x11)) == 3);
  CHECK(hits(range(F::clientPort, 40000, 40000)) == 3);
  CHECK(hits(range(F::serverPort, 40000, 40000)) == 0);
  CHECK(hits(range(F::port, 80, 80)) == 3);
  CHECK(hits(prefix(F::clientAddress, 4, 104, {10, 0, 0, 0})) == 3);
  CHECK(hits(prefix(F::serverAddress, 4, 128, {192, 168, 7, 8})) == 0);
  CHECK(hits(prefix(F::address, 4, 127, {192, 168, 7, 8})) == 3);
  CHECK(hits(prefix(F::address, 6, 0, {})) == 0);
  CHECK(hits(both({range(F::kind, 1, 1), text(F::path, {"/a/b"})})) == 1);
  CHECK(hits(both({range(F::kind, 1, 1), range(F::status, 0, 999)})) == 0);
  CHECK(hits(either({range(F::kind, 1, 1), range(F::status, 0, 999)})) == 3);
  CHECK(hits(negated(range(F::status, 0, 999))) == 1);
}

TEST_CASE("http match: pieces of a pattern do not overlap, and are found in their order") {
  const auto path = [](std::initializer_list<std::string> pieces) {
    return !delivered(text(MatchField::path, pieces), "GET /abcabc HTTP/1.1\r\n\r\n", ok).empty();
  };
  CHECK(path({"/abcabc"}));
  CHECK(path({"/ab", "bc"}));
  CHECK(path({"", ""}));
  CHECK(path({"/abc", "abc"}));
  CHECK(path({"/", "ca", "b", "c"}));
  CHECK_FALSE(path({"/abca", "abc"}));
  CHECK_FALSE(path({"", "b", "b", "b", ""}));
  CHECK_FALSE(path({"/ab"}));
  CHECK_FALSE(path({""}));
}

TEST_CASE("http match: values are those that JavaScript gives") {
  CHECK(http::pathOf("GET", "/a?b") == "/a");
  CHECK(http::pathOf("GET", "http://h/p?q") == "/p");
  CHECK(http::pathOf("GET", "HTTP://h?q/") == "/");
  CHECK(http::pathOf("GET", "http://h") == "/");
  CHECK(http::pathOf("OPTIONS", "*") == "*");
  CHECK(http::pathOf("CONNECT", "h:80") == "");
  CHECK(http::pathOf("GET", "1://h/p") == "1://h/p");
  CHECK(http::pathOf("GET", "") == "");
  CHECK(http::queryOf("/a?b?c") == "b?c");
  CHECK(http::queryOf("/a") == "");
  CHECK(http::withoutPort("h:80") == "h");
  CHECK(http::withoutPort("h:") == "h");
  CHECK(http::withoutPort("[::1]:8") == "[::1]");
  CHECK(http::withoutPort("h").data() == nullptr);
  CHECK(http::withoutPort("::1").data() == nullptr);
  CHECK(http::withoutPort("[::1]").data() == nullptr);
  CHECK(http::withoutPort("").data() == nullptr);
  CHECK(http::withoutPort(":80").data() != nullptr);
  ByteBuffer scratch;
  CHECK(http::unfolded("plain", scratch) == "plain");
  CHECK(http::unfolded("a \r\n\t b\n c", scratch) == "a b c");
  CHECK(http::unfolded("\r\n a\n \n ", scratch) == "a");
  CHECK(http::unfolded("a\nb", scratch) == "a\nb");
}

TEST_CASE("http match: what is no program is none") {
  const Bytes good = program(either({text(MatchField::path, {"/a", "b"}), header("x", {"y"}),
                                     negated(prefix(MatchField::address, 6, 3, {1})), status(1, 2)}));
  REQUIRE(read(good) != nullptr);
  for (size_t length = 0; length < good.size(); length++) CHECK(http::readMatchProgram(good.data(), length) == nullptr);
  CHECK(read(join({good, {0}})) == nullptr);
  CHECK(read(program(both({}))) == nullptr);
  CHECK(read(program(text(MatchField::status, {"200"}))) == nullptr);
  CHECK(read(program(range(MatchField::path, 1, 2))) == nullptr);
  CHECK(read(program(prefix(MatchField::address, 5, 3, {1}))) == nullptr);
  CHECK(read(program(prefix(MatchField::address, 6, 129, {1}))) == nullptr);
  CHECK(read(program(text(MatchField::path, {}))) == nullptr);
  CHECK(read(program(node(MatchOpcode::exists, 17, MatchSide::message, false, 0, {}))) == nullptr);
  CHECK(read(program(node(MatchOpcode::exists, 1, static_cast<MatchSide>(3), false, 0, {}))) == nullptr);
  CHECK(read(program(logic(MatchOpcode::negation, {status(1, 2), status(1, 2)}))) == nullptr);

  Bytes deep = status(1, 2);
  for (size_t depth = 1; depth < http::MatchProgram::maxDepth; depth++) deep = negated(deep);
  CHECK(read(program(deep)) != nullptr);
  CHECK(read(program(negated(deep))) == nullptr);
}

TEST_CASE("http match: damaged programs are refused or stay within themselves") {
  const Bytes good = program(both({text(MatchField::host, {"h", "e"}, true), header("x", {"y", "", "z"}),
                                   either({prefix(MatchField::address, 4, 100, {1, 2, 3, 4}), status(1, 2)}),
                                   negated(range(MatchField::kind, 1, 1))}));
  std::mt19937 random(1);
  size_t taken = 0;
  for (int round = 0; round < 20000; round++) {
    Bytes bytes = good;
    for (unsigned changes = random() % 4 + 1; changes > 0; changes--)
      bytes[4 + random() % (bytes.size() - 4)] = static_cast<uint8_t>(random() % 3 == 0 ? random() : random() % 20);
    const auto damaged = read(bytes);
    if (damaged == nullptr) continue;
    taken++;
    http::HttpOptions options;
    options.selection.program = damaged;
    options.selection.exchanges = (round & 1) != 0;
    test::HttpHarness h(options);
    h.client(post);
    h.server(ok);
    h.close(tcp::CloseReason::finished);
    CHECK(h.messages.size() + h.stats.http_messagesNotSelected == 2);
  }
  CHECK(taken > 100);
}

TEST_CASE("http match: a message that is not selected is not kept, delivered or counted as delivered") {
  test::HttpHarness h(selecting(range(MatchField::status, 500, 599)));
  h.client("POST /a HTTP/1.1\r\nContent-Length: 100000\r\n");
  h.client("\r\n" + std::string(50000, 'x'));
  CHECK(h.stats.http_pendingBytes == 0);
  CHECK(h.stats.http_bodyBytesCut == 50000);
  h.client(std::string(50000, 'x'));
  h.server("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(h.messages.size() == 1);
  CHECK(h.messages[0].id == 1);
  CHECK(h.messages[0].requestId == 0);
  CHECK(h.stats.http_messagesNotSelected == 1);
  CHECK(h.unansweredRequests.empty());
}

TEST_CASE("http match: who waits for a response that is not selected is told") {
  for (const bool responses : {true, false}) {
    http::HttpOptions options = selecting(range(MatchField::kind, 1, 1));
    options.selection.responses = responses;
    test::HttpHarness h(options);
    h.client(post);
    h.server("HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(h.unansweredRequests.empty());
    h.server(ok);
    CHECK(h.unansweredRequests.size() == (responses ? 1 : 0));
    CHECK(h.messages.size() == 1);
  }
}

TEST_CASE("http match: a request waits for the head of its response") {
  test::HttpHarness h(selecting(status(400, 499), true));
  h.client(post);
  CHECK(h.messages.empty());
  CHECK(h.stats.http_undecidedBytes > 0);
  h.server("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(h.messages.empty());
  h.server("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n12");
  REQUIRE(h.messages.size() == 2);
  h.server("345");
  CHECK(h.summary() == std::vector<std::string>{"1 POST /a/b?x=1&y HTTP/1.1 [hi]", "2<-1 HTTP/1.1 100 Continue []",
                                                "3<-1 HTTP/1.1 404 Not Found [12345]"});
  CHECK(h.stats.http_undecidedBytes == 0);
  h.client(post);
  h.server(ok);
  CHECK(h.messages.size() == 3);
  CHECK(h.stats.http_messagesNotSelected == 2);
  CHECK(h.stats.http_messagesOpen == 0);
}

TEST_CASE("http match: a request that is still open is streamed from its decision on") {
  http::HttpOptions options = selecting(status(400, 499), true);
  options.body = http::BodyMode::stream;
  for (const bool together : {false, true}) {
    options.selection.together = together;
    test::HttpHarness h(options);
    h.client("POST /up HTTP/1.1\r\nContent-Length: 6\r\n\r\n12");
    h.client("34");
    CHECK(h.messages.empty());
    h.server("HTTP/1.1 413 Large\r\nContent-Length: 1\r\n\r\n");
    REQUIRE(h.messages.size() == 2);
    CHECK(h.messages[0].body == "1234");
    CHECK(h.messages[1].requestId == 1);
    h.client("56");
    h.server("x");
    CHECK(h.messages[0].chunks == std::vector<std::string>{"56"});
    CHECK(h.messages[0].finished);
    CHECK(h.messages[1].finished);
  }
}

TEST_CASE("http match: a request that will have no response is decided without one") {
  for (const bool together : {false, true}) {
    test::HttpHarness h(selecting(negated(status(200, 299)), true, together));
    h.client("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    h.server(ok);
    CHECK(h.messages.empty());
    h.close(tcp::CloseReason::reset);
    REQUIRE(h.messages.size() == 1);
    CHECK(h.messages[0].startLine == "GET /2 HTTP/1.1");
    REQUIRE(h.unansweredRequests.size() == 1);
    CHECK(h.unansweredRequests[0].second == http::NoResponse::reset);
    CHECK(h.stats.http_undecidedBytes == 0);
    CHECK(h.stats.http_pendingBytes == 0);
  }
}

TEST_CASE("http match: a response that never comes selects nothing, whatever holds for all responses") {
  test::HttpHarness h(selecting(range(MatchField::kind, 2, 2), true));
  h.client("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
  CHECK(h.messages.empty());
  h.server(ok);
  CHECK(h.messages.size() == 2);
  h.close(tcp::CloseReason::reset);
  CHECK(h.messages.size() == 2);
  CHECK(h.stats.http_messagesNotSelected == 1);
}

TEST_CASE("http match: what comes together comes when the response is over") {
  test::HttpHarness h(selecting(status(200, 299), true, true));
  h.client("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
  h.server("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  CHECK(h.messages.empty());
  h.server("cd");
  CHECK(h.summary() == std::vector<std::string>{"1 GET /1 HTTP/1.1 []", "2<-1 HTTP/1.1 103 Early Hints []",
                                                "3<-1 HTTP/1.1 200 OK [abcd]"});
  h.server("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  CHECK(h.messages.size() == 3);
  CHECK(h.stats.http_messagesOpen == 0);
  CHECK(h.stats.http_pendingBytes == 0);
}

TEST_CASE("http match: the oldest requests that wait are given up") {
  http::HttpOptions options = selecting(status(200, 299), true);
  options.selection.maxUndecidedBytes = 20'000;
  test::HttpHarness h(options);
  const std::string body(4000, 'x');
  for (int i = 0; i < 10; i++)
    h.client("POST /" + std::to_string(i) + " HTTP/1.1\r\nContent-Length: 4000\r\n\r\n" + body);
  h.client("GET /last HTTP/1.1\r\n\r\n");
  CHECK(h.stats.http_undecidedBytes < 30'000);
  for (int i = 0; i <= 10; i++) h.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const uint64_t dropped = h.stats.http_undecidedDropped;
  CHECK(dropped > 3);
  CHECK(h.messages.size() == 2 * (11 - dropped));
  CHECK(h.messages[h.messages.size() - 2].startLine == "GET /last HTTP/1.1");
  CHECK(h.stats.http_messagesNotSelected == 2 * dropped);
  CHECK(h.stats.http_undecidedBytes == 0);
}

TEST_CASE("http match: a request that is given up before its end is not kept any longer") {
  http::HttpOptions options = selecting(status(200, 299), true);
  options.selection.maxUndecidedBytes = 10'000;
  test::HttpHarness h(options);
  h.client("POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n");
  for (int i = 0; i < 6; i++) h.client(std::string(10000, 'x'));
  CHECK(h.stats.http_undecidedDropped == 1);
  CHECK(h.stats.http_pendingBytes == 0);
  h.server("HTTP/1.1 100 Continue\r\n\r\n");
  h.server(ok);
  CHECK(h.messages.empty());
  CHECK(h.stats.http_messagesNotSelected == 3);
}

TEST_CASE("http match: of the body of a request that waits no more is kept than there may be") {
  http::HttpOptions options = selecting(status(200, 299), true);
  options.body = http::BodyMode::stream;
  options.selection.maxBodyBytes = 10;
  test::HttpHarness h(options);
  h.client("POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\n");
  h.client(std::string(30, 'x'));
  h.server(ok);
  REQUIRE(h.messages.size() == 2);
  CHECK(h.messages[0].body == std::string(10, 'x'));
  CHECK(h.messages[0].has(http::flag::bodyTruncated));
  CHECK(h.messages[0].bodyLength == 30);
}
