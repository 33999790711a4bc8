// Where messages go.
#pragma once

#include <cstdint>

#include "http/connection.h"
#include "http/message.h"

namespace flowtap::http {

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// Takes what it needs of a message: bodyStore may be moved out of it. `requestId` is that of the request that a
  /// response answers, or 0. Gives the message its id, and sets `dropped` when there is no room for it. With
  /// flag::streaming the message is not finished: body(), bodyGap() and finish() follow, unless it was dropped.
  virtual void deliver(Connection& connection, Message& message, uint64_t requestId) = 0;
  /// More of the body of a message that was delivered.
  virtual void body(Message& message, const uint8_t* bytes, size_t length) = 0;
  /// Bytes of that body are missing, and what follows comes behind them.
  virtual void bodyGap(Message& message, uint64_t length) = 0;
  /// That message is over.
  virtual void finish(Message& message) = 0;
  /// No final response to a delivered request will come.
  virtual void unanswered(uint64_t requestId, NoResponse reason, int64_t timeNs) = 0;
};

}  // namespace flowtap::http
