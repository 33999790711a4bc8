// What the HTTP layer keeps of a connection.
#pragma once

#include <cstdint>
#include <memory>

#include "http/message.h"
#include "http1/parser.h"
#include "stream/protocol_handler.h"
#include "tcp/stream_listener.h"

namespace flowtap::http {

/// A request and whoever waits for it. Lives as long as its request, a response to it or the connection's queue refers
/// to it.
struct Exchange {
  uint64_t requestId;  ///< 0 until the request was delivered
  Exchange* next;      ///< in the connection's queue
  Message* heldFirst;  ///< responses that came before the end of their request, in order
  Message* heldLast;
  uint16_t heldCount;
  uint8_t references;
  http1::MethodKind method;
};

struct Connection {
  explicit Connection(tcp::ConnectionInfo& connectionInfo, bool fromStart)
      : info(&connectionInfo), parsers{http1::Parser(fromStart), http1::Parser(fromStart)} {}

  tcp::ConnectionInfo* info;
  http1::Parser parsers[2];
  std::unique_ptr<stream::ProxyHeader> proxied;  ///< what a PROXY header told, if there was one with addresses
  Message* open[2] = {nullptr, nullptr};
  Exchange* firstUnanswered = nullptr;  ///< requests without a final response, oldest first
  Exchange* lastUnanswered = nullptr;
  uint16_t unansweredCount = 0;
  int8_t clientSide = tcp::unknownSide;
  bool ended[2] = {false, false};
  bool lossy = false;        ///< something was missing since requests and responses were last known to be in step
  bool pipelining = false;   ///< the client has sent a request before the answer to the last one
  bool counted = false;      ///< in stats.http_connections
  uint32_t batchNumber = 0;  ///< delivery: the batch that has this connection's endpoints
  uint32_t batchConnectionOffset = 0;  ///< and where
};

}  // namespace flowtap::http
