// What the HTTP layer keeps of a connection.
#pragma once

#include <cstdint>
#include <memory>

#include "http/message.h"
#include "http/queue.h"
#include "http1/parser.h"
#include "stream/protocol_handler.h"
#include "tcp/stream_listener.h"

namespace flowtap::http {

/// A request and whoever waits for it. Lives as long as its request, a response to it or the connection's queue refers
/// to it.
struct Exchange {
  uint64_t requestId;   ///< 0 until the request was delivered
  Message* request;     ///< until it is released
  Exchange* next;       ///< in the connection's queue
  Queue<Message> held;  ///< responses that came before the end of their request
  uint8_t references;
  NoResponse noResponse;  ///< why none will come, when that is known before the request was delivered; or 0
  http1::MethodKind method;
  Selection selection;   ///< where exchanges are selected, of all of it, otherwise of the request
  bool skipped;          ///< stands for a request whose head was given up
  bool expectsContinue;  ///< the request waits with its body for a 100
  bool requestOver;      ///< the request is over and waits to be delivered
  bool responseDecided;  ///< the final response is there, or none will come: nothing is waited for any longer
};

/// Two cache lines.
struct alignas(64) Connection {
  explicit Connection(tcp::ConnectionInfo& connectionInfo, bool fromStart)
      : info(&connectionInfo), parsers{http1::Parser(fromStart), http1::Parser(fromStart)} {}

  tcp::ConnectionInfo* info;
  http1::Parser parsers[2];
  std::unique_ptr<stream::ProxyHeader> proxied;  ///< what a PROXY header told, if there was one with addresses
  Message* open[2] = {nullptr, nullptr};
  uint64_t began[2] = {0, 0};  ///< where the open message of a side begins; while there is none: not before here
  uint32_t batchNumber = 0;    ///< delivery: the batch that has this connection's endpoints
  uint32_t batchConnectionOffset = 0;  ///< and where
  uint32_t forgottenCount = 0;  ///< requests before `unanswered` that were given up: their responses are still to come
  uint32_t surelyCount = 0;     ///< with `requestsLost`: of all those, how many came before
  [[no_unique_address]] Queue<Exchange> unanswered;  ///< requests without a final response
  int8_t clientSide = tcp::unknownSide;
  bool ended[2] = {false, false};
  bool conflicting[2] = {false, false};  ///< packets disagree about what is in hand, or about a head not all there
  bool requestsLost : 1 = false;         ///< between pipelined requests others may be missing
  bool pastLost : 1 = false;             ///< with `requestsLost`: a response came to what was behind `surelyCount`
  bool lossy : 1 = false;       ///< something was missing since requests and responses were last known to be in step
  bool pipelining : 1 = false;  ///< the client has sent a request before the answer to the last one
  bool counted : 1 = false;     ///< in stats.http_connections
};
static_assert(sizeof(void*) != 8 || sizeof(Connection) == 128);

}  // namespace flowtap::http
