// The batch that is being filled, and when it is handed over. Every writer of records has one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "delivery/batch.h"
#include "delivery/mailbox.h"
#include "stats.h"
#include "tcp/stream_listener.h"

namespace flowtap::delivery {

enum class WhenFull : uint8_t {
  wait,  ///< nothing is lost: the source can wait
  drop,  ///< the source cannot wait: the writer drops, counts it and shows it in-band
};

/// Makes serial numbers, from 1 on, unique among several that deliver to one consumer.
struct Numbering {
  uint32_t index = 0;
  uint32_t count = 1;
  uint64_t operator()(uint64_t serial) const { return (serial - 1) * count + index + 1; }
};

/// The two ends of a connection as records refer to them.
Connection connectionEntry(const tcp::ConnectionInfo& info, tcp::Side client);

class Outbox {
 public:
  /// `handedOver` is called on the producer's thread whenever a batch was put into the mailbox.
  Outbox(Mailbox& mailbox, WhenFull whenFull, Stats& stats, std::function<void()> handedOver, Numbering numbering = {});

  /// Room for the next record, in a new batch when this one is full; waits for it where the source can wait. False: the
  /// record must be dropped.
  bool makeRoom();
  /// The same whatever is in the mailbox already. For the end.
  void forceRoom();

  RecordArray& records() { return batch_->records; }
  RecordArray& continuations() { return batch_->continuations; }
  /// Where the next bytes of the arena will lie.
  size_t arenaEnd() const { return batch_->arena.size(); }
  /// Changes with each batch; the offsets of an earlier one mean nothing.
  uint32_t batchNumber() const { return batchNumber_; }
  /// Copies into the arena; gives the offset.
  uint32_t append(const uint8_t* bytes, size_t length);
  /// With its id made unique.
  uint32_t append(Connection entry);
  /// The id of the message with this serial number.
  uint64_t idOf(uint64_t serial) const { return numbering_(serial); }
  /// Room in the arena, 8-byte aligned, to be filled before anything else is appended.
  uint8_t* extendAligned(size_t length, uint32_t& offset);
  /// A body in a buffer of its own; gives its number, from 1 on.
  uint32_t attach(ByteBuffer&& body, size_t length);

  /// Hands over what there is when the consumer has nothing else to take. For low latency, call it whenever the source
  /// pauses.
  void flushIfIdle();
  /// Hands over what there is.
  void flush();

 private:
  bool full() const;

  Mailbox& mailbox_;
  const WhenFull whenFull_;
  Stats& stats_;
  const std::function<void()> handedOver_;
  const Numbering numbering_;
  std::unique_ptr<Batch> batch_;
  uint32_t batchNumber_ = 1;
};

}  // namespace flowtap::delivery
