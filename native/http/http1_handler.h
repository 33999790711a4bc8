// Builds messages from what the HTTP/1 parsers say, and pairs responses with requests.
#pragma once

#include <cstdint>

#include "http/connection.h"
#include "http/message.h"
#include "http/message_sink.h"
#include "http/pool.h"
#include "http1/events.h"
#include "http1/parser.h"
#include "stats.h"
#include "stream/protocol_handler.h"

namespace flowtap::http {

struct HttpOptions {
  http1::ParserOptions parser;
  bool keepBodies = true;
  uint64_t maxBodyBytes = 8u << 20;  ///< kept of each body
};

class Http1Handler final : public stream::ProtocolHandler, private http1::Events {
 public:
  Http1Handler(const HttpOptions& options, MessageSink& sink, Stats& stats);
  ~Http1Handler() override;
  Http1Handler(const Http1Handler&) = delete;
  Http1Handler& operator=(const Http1Handler&) = delete;

  void proxied(tcp::ConnectionInfo&, void*& state, tcp::Side side, const stream::ProxyHeader& header) override;
  void data(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t offset, const uint8_t* bytes, size_t length,
            int64_t timeNs) override;
  void gap(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t length, tcp::GapCause cause,
           int64_t timeNs) override;
  void conflict(tcp::ConnectionInfo&, void*& state, tcp::Side side) override;
  void end(tcp::ConnectionInfo&, void*& state, tcp::Side side, int64_t timeNs) override;
  void close(tcp::ConnectionInfo&, void*& state, tcp::CloseReason reason, int64_t timeNs) override;
  void abandon(tcp::ConnectionInfo&, void*& state) override;
  bool recognised(const void* state) const override;

 private:
  http1::Framing onHead(void* owner, uint8_t side, const http1::Head& head, int64_t startNs, int64_t endNs) override;
  void onBody(void* owner, uint8_t side, const uint8_t* bytes, size_t length, int64_t timeNs) override;
  void onMissing(void* owner, uint8_t side, uint64_t length, uint64_t bodyLength, http1::Damage damage) override;
  void onTrailers(void* owner, uint8_t side, const uint8_t* bytes, size_t length, const http1::FieldSpan* fields,
                  size_t count) override;
  void onSuspicious(void* owner, uint8_t side, uint32_t reasons) override;
  void onMessageEnd(void* owner, uint8_t side, http1::Damage damage, int64_t endNs) override;
  void onTunnel(void* owner, uint8_t side, size_t length) override;

  Connection* connect(tcp::ConnectionInfo& info, bool fromStart);
  http1::Framing frameRequest(Connection& connection, Message& message, const http1::Head& head);
  http1::Framing frameResponse(Connection& connection, tcp::Side side, Message& message, const http1::Head& head);
  Exchange* answeredBy(Connection& connection, tcp::Side side, bool interim);
  void popUnanswered(Connection& connection);
  void releaseExchange(Exchange* exchange);

  void releaseMessage(Message* message);
  void addPending(Message& message, uint64_t bytes);
  /// Copies what still lies in the packet.
  void persist(Message& message);
  void finish(Connection& connection, Message* message);
  void deliver(Connection& connection, Message* message, uint64_t requestId);
  void release(Connection* connection);

  const HttpOptions options_;
  MessageSink& sink_;
  Stats& stats_;
  http1::ParserContext parsing_;
  Pool<Message> messages_;
  Pool<Exchange> exchanges_;
  struct ConnectionSlab;
  ConnectionSlab* slabs_ = nullptr;
  void* freeConnections_ = nullptr;
};

}  // namespace flowtap::http
