// Turns messages into records.
#pragma once

#include <cstddef>
#include <cstdint>

#include "delivery/outbox.h"
#include "http/message_sink.h"
#include "stats.h"

namespace flowtap::delivery {

/// When there is no room, whole messages are dropped, counted, and leave a jump in the ids. What does not fit of a body
/// that is streamed becomes a gap in it.
class BatchWriter final : public http::MessageSink {
 public:
  BatchWriter(Outbox& outbox, Stats& stats) : outbox_(outbox), stats_(stats) {}

  void deliver(http::Connection& connection, http::Message& message, uint64_t requestId) override;
  void body(http::Message& message, const uint8_t* bytes, size_t length) override;
  void bodyGap(http::Message& message, uint64_t length) override;
  void finish(http::Message& message) override;
  void unanswered(uint64_t requestId, http::NoResponse reason, int64_t timeNs) override;

 private:
  Continuation& addContinuation(ContinuationKind kind, uint64_t id, int64_t timeNs);
  void addGap(const http::Message& message, uint64_t length, bool dropped);
  /// Tells of the bytes for which there was no room.
  void tellNotSent(http::Message& message);
  uint32_t writeConnection(http::Connection& connection);
  template <typename RecordOrContinuation>
  void writeTrailers(RecordOrContinuation& into, const http::Message& message, bool wide);
  uint32_t writeTable(const http1::FieldSpan* fields, size_t count, bool wide);

  Outbox& outbox_;
  Stats& stats_;
  uint64_t lastId_ = 0;
  bool lastDropped_ = false;  ///< the message with that id
};

}  // namespace flowtap::delivery
