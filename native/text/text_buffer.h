// A growable run of bytes in memory that was lent, as long as that suffices: what is written into the memory of whoever
// sends it need not be copied there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "byte_buffer.h"

namespace flowtap::text {

class TextBuffer {
 public:
  TextBuffer() = default;
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

  /// Begins anew, in this memory.
  void begin(uint8_t* lent, size_t capacity) {
    data_ = lent;
    capacity_ = capacity;
    size_ = 0;
    isLent_ = true;
  }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  /// It is all in the memory that was lent.
  bool isLent() const { return isLent_; }

  /// Makes room for `length` more bytes behind the end and returns where they go; they count as written.
  uint8_t* extend(size_t length) {
    if (capacity_ - size_ < length) grow(length);
    uint8_t* const at = data_ + size_;
    size_ += length;
    return at;
  }
  void append(const uint8_t* bytes, size_t length) {
    if (length != 0) std::memcpy(extend(length), bytes, length);
  }
  void truncate(size_t size) {
    if (size < size_) size_ = size;
  }
  /// Gives memory of its own back when it is more than `keepBytes`.
  void reset(size_t keepBytes) {
    own_.reset(keepBytes);
    begin(nullptr, 0);
  }

 private:
  void grow(size_t length) {
    own_.clear();
    if (isLent_) {
      own_.append(data_, size_);
    } else {
      own_.extend(size_);
    }
    own_.extend(length);
    isLent_ = false;
    data_ = own_.data();
    capacity_ = own_.capacity();
  }

  ByteBuffer own_;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool isLent_ = true;
};

}  // namespace flowtap::text
