// Bytes of a capture stream on their way from the JavaScript thread to the capture thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace flowtap::source {

/// One producer, one consumer. push() never blocks: it takes the chunk and says whether the producer should go on or
/// wait until `onDrain` was called. The consumer blocks in read() until there are bytes, the end, or wake().
class ByteQueue {
 public:
  explicit ByteQueue(size_t highWaterBytes = 4u << 20);

  /// Producer. Copies the bytes. Returns false when the queue is now above its high-water mark.
  bool push(const uint8_t* data, size_t length);
  /// Producer. No more bytes will come.
  void end();
  /// Called once on the consumer's thread, without the lock held, each time the queue falls below half of its
  /// high-water mark after a push() returned false. Set it before the first push.
  void onDrain(std::function<void()> callback);

  enum class Result : uint8_t { bytes, timeout, interrupted, end };
  /// Consumer. Copies up to `capacity` bytes, `length` tells how many. timeoutMs: 0 does not wait, -1 waits for ever. A
  /// capacity of 0 with time-out 0 only takes a wake().
  Result read(uint8_t* into, size_t capacity, size_t& length, int timeoutMs);
  /// Any thread. The blocked or the next read() returns `interrupted`.
  void wake();

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::vector<uint8_t>> chunks_;
  size_t headOffset_ = 0;
  size_t queuedBytes_ = 0;
  const size_t highWaterBytes_;
  bool ended_ = false;
  bool woken_ = false;
  bool wantsDrain_ = false;
  std::function<void()> drained_;
};

}  // namespace flowtap::source
