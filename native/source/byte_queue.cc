#include "source/byte_queue.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace flowtap::source {

ByteQueue::ByteQueue(size_t highWaterBytes) : highWaterBytes_(highWaterBytes) {}

bool ByteQueue::push(const uint8_t* data, size_t length) {
  std::vector<uint8_t> chunk(data, data + length);
  bool goOn;
  {
    std::lock_guard lock(mutex_);
    if (length > 0 && !ended_) {
      chunks_.push_back(std::move(chunk));
      queuedBytes_ += length;
    }
    goOn = queuedBytes_ <= highWaterBytes_;
    if (!goOn) wantsDrain_ = true;
  }
  ready_.notify_one();
  return goOn;
}

void ByteQueue::end() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ready_.notify_one();
}

void ByteQueue::onDrain(std::function<void()> callback) { drained_ = std::move(callback); }

ByteQueue::Result ByteQueue::read(uint8_t* into, size_t capacity, size_t& length, int timeoutMs) {
  length = 0;
  bool drained = false;
  {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return woken_ || queuedBytes_ > 0 || ended_; };
    if (timeoutMs < 0) {
      ready_.wait(lock, ready);
    } else if (!ready()) {
      ready_.wait_for(lock, std::chrono::milliseconds(timeoutMs), ready);
    }
    if (woken_) {
      woken_ = false;
      return Result::interrupted;
    }
    if (queuedBytes_ == 0) return ended_ ? Result::end : Result::timeout;
    while (length < capacity && !chunks_.empty()) {
      const std::vector<uint8_t>& chunk = chunks_.front();
      const size_t take = std::min(chunk.size() - headOffset_, capacity - length);
      std::memcpy(into + length, chunk.data() + headOffset_, take);
      length += take;
      headOffset_ += take;
      if (headOffset_ == chunk.size()) {
        chunks_.pop_front();
        headOffset_ = 0;
      }
    }
    queuedBytes_ -= length;
    if (wantsDrain_ && queuedBytes_ < std::max<size_t>(highWaterBytes_ / 2, 1)) {
      wantsDrain_ = false;
      drained = true;
    }
  }
  if (drained && drained_) drained_();
  return Result::bytes;
}

void ByteQueue::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  ready_.notify_one();
}

}  // namespace flowtap::source
