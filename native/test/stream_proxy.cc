// PROXY headers in front of a connection's bytes.
#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "stream/protocol_switch.h"

using namespace flowtap;
using namespace flowtap::stream;
using Log = std::vector<std::string>;

namespace {

std::string text(const decode::Address& address, uint8_t ipVersion) {
  char buffer[64];
  const auto* bytes = reinterpret_cast<const uint8_t*>(address.words);
  inet_ntop(ipVersion == 4 ? AF_INET : AF_INET6, ipVersion == 4 ? bytes + 12 : bytes, buffer, sizeof buffer);
  return buffer;
}

struct Recorder final : ProtocolHandler {
  Log log;
  std::string bytes[2];
  bool abandoned = false;

  void proxied(tcp::ConnectionInfo&, void*& state, tcp::Side side, const ProxyHeader& header) override {
    state = this;
    log.push_back("proxied " + std::to_string(side) +
                  (header.ipVersion == 0
                       ? ""
                       : " " + text(header.source, header.ipVersion) + " " + std::to_string(header.sourcePort) + " " +
                             text(header.destination, header.ipVersion) + " " +
                             std::to_string(header.destinationPort)));
  }
  void data(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t, const uint8_t* p, size_t length,
            int64_t timeNs) override {
    state = this;
    if (bytes[side].empty()) log.push_back("first " + std::to_string(timeNs));
    bytes[side].append(reinterpret_cast<const char*>(p), length);
  }
  void gap(tcp::ConnectionInfo&, void*&, tcp::Side, uint64_t length, tcp::GapCause, int64_t) override {
    log.push_back("gap " + std::to_string(length));
  }
  void conflict(tcp::ConnectionInfo&, void*&, tcp::Side, uint64_t, uint64_t, tcp::ConflictAt) override {}
  void end(tcp::ConnectionInfo&, void*&, tcp::Side, int64_t) override { log.push_back("end"); }
  void close(tcp::ConnectionInfo&, void*&, tcp::CloseReason, int64_t) override { log.push_back("close"); }
  void abandon(tcp::ConnectionInfo&, void*&) override { abandoned = true; }
  bool recognised(const void*) const override { return false; }
};

struct Fixture {
  Fixture() : protocols(recorder, stats) {
    info.initiator = 0;
    protocols.open(info, 0);
  }
  void send(tcp::Side side, const std::string& piece) {
    // A copy that is gone afterwards: whoever keeps a pointer into it is found out.
    const std::vector<uint8_t> packet(piece.begin(), piece.end());
    protocols.data(info, side, offset[side], packet.data(), packet.size(), ++now);
    offset[side] += piece.size();
  }
  Recorder recorder;
  Stats stats;
  ProtocolSwitch protocols;
  tcp::ConnectionInfo info{};
  uint64_t offset[2] = {0, 0};
  int64_t now = 0;
};

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(uint8_t command, uint8_t family, const std::string& rest) {
  return signature + static_cast<char>(command) + static_cast<char>(family) + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size()) + rest;
}

const std::string v4("\x0a\x01\x02\x03\xc0\x00\x02\x07\xb7\x22\x01\xbb", 12);

}  // namespace

TEST_CASE("stream: PROXY headers, however they are cut") {
  struct Case {
    std::string header;
    std::string told;
  };
  const std::string v6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01" +
                         std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x02" +
                         std::string("\x00\x50\x1f\x90", 4);
  const Case cases[] = {
      {"PROXY TCP4 10.1.2.3 192.0.2.7 46882 443\r\n", "proxied 0 10.1.2.3 46882 192.0.2.7 443"},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 80 8080\r\n", "proxied 0 2001:db8::1 80 2001:db8::2 8080"},
      {"PROXY UNKNOWN\r\n", "proxied 0"},
      {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "proxied 0"},
      {binary(0x21, 0x11, v4), "proxied 0 10.1.2.3 46882 192.0.2.7 443"},
      {binary(0x21, 0x11, v4 + std::string(300, 'x')), "proxied 0 10.1.2.3 46882 192.0.2.7 443"},
      {binary(0x21, 0x21, v6), "proxied 0 2001:db8::1 80 2001:db8::2 8080"},
      {binary(0x20, 0x00, ""), "proxied 0"},
      {binary(0x20, 0x11, v4), "proxied 0"},
      {binary(0x21, 0x31, std::string(216, 'u')), "proxied 0"},
  };
  for (const Case& c : cases) {
    const std::string wire = c.header + "GET / HTTP/1.1\r\n\r\n";
    for (size_t cut = 0; cut < wire.size(); cut++) {
      CAPTURE(c.header);
      CAPTURE(cut);
      Fixture f;
      if (cut != 0) f.send(0, wire.substr(0, cut));
      f.send(0, wire.substr(cut));
      f.send(1, "HTTP/1.1 200 OK\r\n\r\n");
      f.protocols.close(f.info, tcp::CloseReason::finished, 9);
      REQUIRE(!f.recorder.log.empty());
      CHECK(f.recorder.log.front() == c.told);
      CHECK(f.recorder.bytes[0] == "GET / HTTP/1.1\r\n\r\n");
      CHECK(f.recorder.bytes[1] == "HTTP/1.1 200 OK\r\n\r\n");
    }
    Fixture bytewise;
    for (const char byte : wire) bytewise.send(0, std::string(1, byte));
    CHECK(bytewise.recorder.log.front() == c.told);
    CHECK(bytewise.recorder.bytes[0] == "GET / HTTP/1.1\r\n\r\n");
    bytewise.protocols.close(bytewise.info, tcp::CloseReason::finished, 9);
  }
}

TEST_CASE("stream: what only looks like a PROXY header is handed on whole") {
  const std::string cases[] = {
      "PROXY / HTTP/1.1\r\n\r\n",
      "PROXY TCP4 10.1.2.3 192.0.2.7 46882\r\n",
      "PROXY TCP4 10.1.2.3 192.0.2.7 46882 443 1\r\n",
      "PROXY TCP4 10.1.2.3 192.0.2.7 46882 70000\r\n",
      "PROXY TCP4 10.1.2.300 192.0.2.7 1 2\r\n",
      "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
      "PROXY TCP4 10.1.2.3 192.0.2.7 1 2\n",
      "PROXY TCPx 10.1.2.3 192.0.2.7 1 2\r\n",
      "PROXY UNKNOWN " + std::string(200, 'x') + "\r\n",
      "PROXY UNKNOWN",
      "POST / HTTP/1.1\r\n\r\n",
      "P",
      "\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
      signature + "\x11\x11" + std::string("\0\0", 2),
      binary(0x22, 0x11, v4),
      binary(0x21, 0x11, "short"),
      signature,
  };
  for (const std::string& wire : cases) {
    for (size_t cut = 0; cut < wire.size(); cut++) {
      CAPTURE(wire);
      CAPTURE(cut);
      Fixture f;
      if (cut != 0) f.send(0, wire.substr(0, cut));
      f.send(0, wire.substr(cut));
      f.protocols.end(f.info, 0, 9);
      CHECK(f.recorder.bytes[0] == wire);
      CHECK(f.recorder.log.front() == "first 1");
      f.protocols.close(f.info, tcp::CloseReason::finished, 9);
    }
  }
}

TEST_CASE("stream: a PROXY header stands only at the start, and only on the client's side") {
  const std::string header = "PROXY TCP4 10.1.2.3 192.0.2.7 46882 443\r\n";
  SUBCASE("the server's side") {
    Fixture f;
    f.send(1, header);
    CHECK(f.recorder.bytes[1] == header);
  }
  SUBCASE("later") {
    Fixture f;
    f.send(0, "GET / HTTP/1.1\r\n\r\n");
    f.send(0, header);
    CHECK(f.recorder.bytes[0].size() == 18 + header.size());
  }
  SUBCASE("the initiator is not known") {
    Fixture f;
    f.info.initiator = tcp::unknownSide;
    f.send(1, header + "GET");
    CHECK(f.recorder.bytes[1] == "GET");
  }
}

TEST_CASE("stream: what is behind a PROXY header may be TLS") {
  Fixture f;
  f.send(0, "PROXY TCP4 10.1.2.3 192.0.2.7 46882 443\r\n" + std::string("\x16\x03\x01\x02\x00\x01", 6));
  CHECK(f.stats.http_tlsConnections == 1);
  CHECK(f.recorder.abandoned);
}

TEST_CASE("stream: gaps in and behind a PROXY header") {
  const std::string header = binary(0x21, 0x11, v4 + std::string(100, 'x'));
  SUBCASE("inside what is skipped") {
    Fixture f;
    f.send(0, header.substr(0, 60));
    f.protocols.gap(f.info, 0, 60, 10, tcp::GapCause::lost, 1);
    f.offset[0] += 10;
    f.send(0, header.substr(70) + "GET");
    CHECK(f.recorder.bytes[0] == "GET");
    CHECK(f.recorder.log == Log{"proxied 0 10.1.2.3 46882 192.0.2.7 443", "first 2"});
  }
  SUBCASE("beyond it") {
    Fixture f;
    f.send(0, header.substr(0, 60));
    f.protocols.gap(f.info, 0, 60, header.size() - 60 + 5, tcp::GapCause::lost, 1);
    f.send(0, "abc");
    CHECK(f.recorder.log == Log{"proxied 0 10.1.2.3 46882 192.0.2.7 443", "gap 5", "first 2"});
  }
  SUBCASE("before it is complete") {
    Fixture f;
    f.send(0, header.substr(0, 14));
    f.protocols.gap(f.info, 0, 14, 10, tcp::GapCause::lost, 1);
    CHECK(f.recorder.bytes[0] == header.substr(0, 14));
    CHECK(f.recorder.log == Log{"first 1", "gap 10"});
  }
}
