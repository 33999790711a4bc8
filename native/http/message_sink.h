// Where finished messages go.
#pragma once

#include <cstdint>

#include "http/connection.h"
#include "http/message.h"

namespace flowtap::http {

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// Takes what it needs of a finished message: bodyStore may be moved out of it. `requestId` is that of the request
  /// that a response answers, or 0. Returns the message's id, whether it was delivered or dropped.
  virtual uint64_t deliver(Connection& connection, Message& message, uint64_t requestId) = 0;
};

}  // namespace flowtap::http
