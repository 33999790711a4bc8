// Hands finished batches from the capture thread to the consumer, within a bound.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "delivery/batch.h"

namespace flowtap::delivery {

/// One producer, one consumer, a lock a batch.
class Mailbox {
 public:
  explicit Mailbox(size_t maxBytes) : maxBytes_(maxBytes) {}

  /// Producer: is there room for another batch? There always is for the first.
  bool hasRoom();
  /// Producer: waits until there is room. False when the mailbox was closed.
  bool waitForRoom();
  /// Producer: how many wait to be taken.
  size_t size();
  bool empty() { return size() == 0; }
  /// Producer. Whatever the bound says: the batch exists already.
  void put(std::unique_ptr<Batch> batch);
  /// Producer: an empty batch, a used one if possible.
  std::unique_ptr<Batch> blank();

  /// Consumer: null when there is none.
  std::unique_ptr<Batch> take();
  /// Consumer: done with it.
  void recycle(std::unique_ptr<Batch> batch);
  /// Consumer: nothing will be taken any more; releases a waiting producer and drops what is there.
  void close();

 private:
  const size_t maxBytes_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::unique_ptr<Batch>> batches_;
  std::vector<std::unique_ptr<Batch>> blanks_;
  size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace flowtap::delivery
