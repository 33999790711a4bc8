// A growable run of bytes that it owns. Move-only; memory comes from realloc, which moves large runs by remapping them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace flowtap {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ByteBuffer(ByteBuffer&& from) noexcept { swap(from); }
  ByteBuffer& operator=(ByteBuffer&& from) noexcept {
    swap(from);
    return *this;
  }
  ~ByteBuffer() { std::free(data_); }

  void swap(ByteBuffer& with) noexcept {
    std::swap(data_, with.data_);
    std::swap(size_, with.size_);
    std::swap(capacity_, with.capacity_);
  }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }

  void clear() { size_ = 0; }
  /// Gives the memory back when it is more than `keepBytes`.
  void reset(size_t keepBytes) {
    size_ = 0;
    if (capacity_ > keepBytes) {
      std::free(data_);
      data_ = nullptr;
      capacity_ = 0;
    }
  }

  void reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    // A process that cannot get memory for bounded buffers has nothing sensible left to do.
    auto* grown = static_cast<uint8_t*>(std::realloc(data_, capacity));
    if (grown == nullptr) std::abort();
    data_ = grown;
    capacity_ = capacity;
  }

  /// How much more memory `length` more bytes take.
  size_t growth(size_t length) const { return capacity_ - size_ < length ? grown(length) - capacity_ : 0; }

  /// Makes room for `length` more bytes behind the end and returns where they go; they count as written.
  uint8_t* extend(size_t length) {
    if (capacity_ - size_ < length) reserve(grown(length));
    uint8_t* at = data_ + size_;
    size_ += length;
    return at;
  }

  void append(const uint8_t* bytes, size_t length) {
    if (length != 0) std::memcpy(extend(length), bytes, length);
  }

  void truncate(size_t size) {
    if (size < size_) size_ = size;
  }

 private:
  size_t grown(size_t length) const {
    const size_t wanted = capacity_ < 256 ? 512 : capacity_ * 2;
    return wanted < size_ + length ? size_ + length : wanted;
  }

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace flowtap
