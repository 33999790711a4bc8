// The records of a batch: all of one type, which the batch need not know.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>

#include "byte_buffer.h"

namespace flowtap::delivery {

class RecordArray {
 public:
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  size_t byteLength() const { return bytes_.size(); }
  const uint8_t* data() const { return bytes_.data(); }

  void clear() {
    bytes_.clear();
    count_ = 0;
  }
  /// A record of zeros. The reference is good until the next one is added.
  template <typename T>
  T& add() {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8 && sizeof(T) % 8 == 0);
    assert(count_ * sizeof(T) == bytes_.size());
    count_++;
    return *new (bytes_.extend(sizeof(T))) T{};
  }
  /// The one added last, null when there is none.
  template <typename T>
  T* last() {
    assert(count_ * sizeof(T) == bytes_.size());
    return count_ == 0 ? nullptr : reinterpret_cast<T*>(bytes_.data()) + (count_ - 1);
  }
  template <typename T>
  std::span<const T> as() const {
    assert(count_ * sizeof(T) == bytes_.size());
    return {reinterpret_cast<const T*>(bytes_.data()), count_};
  }

 private:
  ByteBuffer bytes_;
  size_t count_ = 0;
};

}  // namespace flowtap::delivery
