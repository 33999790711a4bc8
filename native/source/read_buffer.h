// The memory that capture files are read into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace flowtap::source {

/// Contiguous unread bytes with room behind them. Reads of a full buffer always start at the same page boundary: what
/// is left over of the last one is moved right in front of it, so that large reads stay aligned and only the rest of
/// one record is ever copied.
class ReadBuffer {
 public:
  static constexpr size_t pageBytes = 16384;  // of the largest page in use
  static constexpr size_t frontBytes = 64u << 10;
  static constexpr size_t readBytes = 1u << 20;

  const uint8_t* data() const { return memory_ == nullptr ? nullptr : memory_.get() + begin_; }
  size_t size() const { return end_ - begin_; }
  void consume(size_t bytes) { begin_ += bytes; }

  /// Makes room behind the bytes, growing when they alone fill what there is. Invalidates data(). False: out of memory.
  bool prepare() {
    if (begin_ == end_) begin_ = end_ = front_;
    if (memory_ != nullptr && end_ < capacity_) return true;
    size_t front = front_;
    while (front < size()) front *= 2;
    if (memory_ != nullptr && front == front_) {
      std::memmove(memory_.get() + front - size(), data(), size());
    } else if (!grow(front)) {
      return false;
    }
    begin_ = front - size();
    end_ = front;
    return true;
  }
  uint8_t* room() { return memory_.get() + end_; }
  size_t roomBytes() const { return capacity_ - end_; }
  /// So many bytes were written to room().
  void commit(size_t bytes) { end_ += bytes; }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };

  // Twice what has arrived, never what a record claims to have.
  bool grow(size_t front) {
    const size_t capacity = front + (front > readBytes ? front : readBytes);
    std::unique_ptr<uint8_t, Free> memory(static_cast<uint8_t*>(std::aligned_alloc(pageBytes, capacity)));
    if (memory == nullptr) return false;
    if (size() > 0) std::memcpy(memory.get() + front - size(), data(), size());
    memory_ = std::move(memory);
    front_ = front;
    capacity_ = capacity;
    return true;
  }

  std::unique_ptr<uint8_t, Free> memory_;
  size_t front_ = frontBytes;
  size_t capacity_ = 0;
  size_t begin_ = frontBytes;
  size_t end_ = frontBytes;
};

}  // namespace flowtap::source
