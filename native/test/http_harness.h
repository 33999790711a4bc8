// Feeds bytes of one connection to the HTTP/1 handler and keeps what it delivers.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "http/http1_handler.h"

namespace flowtap::test {

struct Delivered {
  uint64_t id;
  uint64_t requestId;
  http::Kind kind;
  std::string startLine;
  std::string head;
  std::string body;
  uint64_t bodyLength;
  uint64_t missingBytes;
  http::Integrity integrity;
  uint16_t status;
  uint16_t flags;
  uint32_t suspicious;
  uint16_t proxiedPort;  ///< source port that a PROXY header told
  int64_t startNs;
  int64_t endNs;
  int8_t clientSide;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::vector<std::string> chunks;  ///< of the body, behind the delivery; "<n>" for a gap
  bool finished = false;            ///< its end was told apart

  bool has(uint16_t flag) const { return (flags & flag) != 0; }
};

class HttpHarness final : public http::MessageSink {
 public:
  explicit HttpHarness(http::HttpOptions options = {}, bool handshake = true) : handler(options, *this, stats) {
    info = tcp::ConnectionInfo{};
    info.id = 1;
    info.port[0] = 40000;
    info.port[1] = 80;
    info.initiator = handshake ? 0 : tcp::unknownSide;
  }
  ~HttpHarness() override { close(tcp::CloseReason::ended); }

  void deliver(http::Connection& connection, http::Message& message, uint64_t requestId) override {
    Delivered d{};
    d.id = message.id = ++lastId;
    message.dropped = lastId == dropId;
    if (message.dropped) return;
    d.requestId = requestId;
    d.kind = message.kind;
    d.head.assign(reinterpret_cast<const char*>(message.head), message.headLength);
    d.startLine = d.head.substr(0, d.head.find_first_of("\r\n"));
    d.body.assign(reinterpret_cast<const char*>(message.body), message.bodyKept);
    d.bodyLength = message.bodyLength;
    d.missingBytes = message.missingBytes;
    d.integrity = message.integrity;
    d.status = message.status;
    d.flags = message.flags;
    d.suspicious = message.suspicious;
    d.proxiedPort = connection.proxied ? connection.proxied->sourcePort : 0;
    d.startNs = message.startNs;
    d.endNs = message.endNs;
    d.clientSide = connection.clientSide;
    readTrailers(d, message);
    messages.push_back(d);
  }

  void body(http::Message& message, const uint8_t* bytes, size_t length) override {
    find(message.id).chunks.emplace_back(reinterpret_cast<const char*>(bytes), length);
  }
  void bodyGap(http::Message& message, uint64_t length) override {
    find(message.id).chunks.push_back("<" + std::to_string(length) + ">");
  }
  void finish(http::Message& message) override {
    Delivered& d = find(message.id);
    d.finished = true;
    d.bodyLength = message.bodyLength;
    d.missingBytes = message.missingBytes;
    d.integrity = message.integrity;
    d.flags = message.flags;
    d.endNs = message.endNs;
    readTrailers(d, message);
  }
  void unanswered(uint64_t requestId, http::NoResponse reason, int64_t) override {
    unansweredRequests.emplace_back(requestId, reason);
  }

  Delivered& find(uint64_t id) {
    for (Delivered& d : messages)
      if (d.id == id) return d;
    FAIL("a message that was not delivered");
    return messages.front();
  }

  static void readTrailers(Delivered& d, const http::Message& message) {
    const auto* trailer = reinterpret_cast<const char*>(message.trailerStore.data());
    for (const http1::FieldSpan& span : message.trailerFields)
      d.trailers.emplace_back(std::string(trailer + span.nameStart, span.nameEnd - span.nameStart),
                              std::string(trailer + span.valueStart, span.valueEnd - span.valueStart));
  }

  void send(tcp::Side side, const std::string& bytes, int64_t timeNs = 1) {
    // A copy that is gone afterwards: whoever keeps a pointer into it is found out.
    std::vector<uint8_t> packet(bytes.begin(), bytes.end());
    handler.data(info, state, side, offset[side], packet.data(), packet.size(), timeNs);
    offset[side] += bytes.size();
  }
  void client(const std::string& bytes, int64_t timeNs = 1) { send(0, bytes, timeNs); }
  void server(const std::string& bytes, int64_t timeNs = 1) { send(1, bytes, timeNs); }
  void gap(tcp::Side side, uint64_t length, tcp::GapCause cause = tcp::GapCause::lost) {
    handler.gap(info, state, side, length, cause, 1);
    offset[side] += length;
  }
  void end(tcp::Side side) { handler.end(info, state, side, 1); }
  void close(tcp::CloseReason reason) { handler.close(info, state, reason, 1); }

  std::vector<std::string> summary() const {
    static const char* const integrity[] = {"", " gap", " truncated", " aborted"};
    std::vector<std::string> lines;
    for (const Delivered& d : messages)
      lines.push_back(std::to_string(d.id) + (d.requestId != 0 ? "<-" + std::to_string(d.requestId) : "") + " " +
                      d.startLine + " [" + d.body + "]" + integrity[static_cast<int>(d.integrity)]);
    return lines;
  }

  Stats stats;
  http::Http1Handler handler;
  tcp::ConnectionInfo info;
  void* state = nullptr;
  uint64_t offset[2] = {0, 0};
  uint64_t lastId = 0;
  uint64_t dropId = 0;  ///< for this one there is no room
  std::vector<std::pair<uint64_t, http::NoResponse>> unansweredRequests;
  std::vector<Delivered> messages;
};

}  // namespace flowtap::test
