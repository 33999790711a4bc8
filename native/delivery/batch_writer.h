// Turns finished messages into records.
#pragma once

#include <cstddef>
#include <cstdint>

#include "delivery/outbox.h"
#include "http/message_sink.h"
#include "stats.h"

namespace flowtap::delivery {

/// When there is no room, whole messages are dropped, counted, and leave a jump in the ids.
class BatchWriter final : public http::MessageSink {
 public:
  BatchWriter(Outbox& outbox, Stats& stats) : outbox_(outbox), stats_(stats) {}

  uint64_t deliver(http::Connection& connection, http::Message& message, uint64_t requestId) override;

 private:
  uint32_t writeConnection(http::Connection& connection);
  uint32_t writeTable(const http1::FieldSpan* fields, size_t count, bool wide);

  Outbox& outbox_;
  Stats& stats_;
  uint64_t lastId_ = 0;
};

}  // namespace flowtap::delivery
