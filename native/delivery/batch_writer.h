// Turns finished messages into records, and hands batches over as they fill.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "delivery/batch.h"
#include "delivery/mailbox.h"
#include "http/message_sink.h"
#include "stats.h"

namespace flowtap::delivery {

enum class WhenFull : uint8_t {
  wait,  ///< nothing is lost: the source can wait
  drop,  ///< the source cannot wait: whole messages are dropped, counted, and leave a jump in the ids
};

class BatchWriter final : public http::MessageSink {
 public:
  /// `handedOver` is called on the producer's thread whenever a batch was put into the mailbox.
  BatchWriter(Mailbox& mailbox, WhenFull whenFull, Stats& stats, std::function<void()> handedOver);

  uint64_t deliver(http::Connection& connection, http::Message& message, uint64_t requestId) override;

  /// Hands over what there is when the consumer has nothing else to take. For low latency, call it whenever the source
  /// pauses.
  void flushIfIdle();
  /// Hands over what there is.
  void flush();

 private:
  uint32_t writeConnection(http::Connection& connection);
  void writeTable(const http1::FieldSpan* fields, size_t count, bool wide, uint32_t& offset);
  uint32_t appendArena(const uint8_t* bytes, size_t length);
  void alignArena();

  Mailbox& mailbox_;
  const WhenFull whenFull_;
  Stats& stats_;
  const std::function<void()> handedOver_;
  std::unique_ptr<Batch> batch_;
  uint32_t batchNumber_ = 1;
  uint64_t lastId_ = 0;
};

}  // namespace flowtap::delivery
