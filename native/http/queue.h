// First in, first out, linked through the items themselves: `T` has a `T* next`. Owns nothing.
#pragma once

#include <cstdint>

namespace flowtap::http {

template <typename T>
class Queue {
 public:
  bool empty() const { return first_ == nullptr; }
  uint16_t size() const { return size_; }
  /// Null when there is none.
  T* first() const { return first_; }

  void push(T* item) {
    item->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = item;
    last_ = item;
    size_++;
  }
  /// Null when there is none.
  T* pop() {
    T* item = first_;
    if (item == nullptr) return nullptr;
    first_ = item->next;
    if (first_ == nullptr) last_ = nullptr;
    size_--;
    return item;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
  uint16_t size_ = 0;
};

}  // namespace flowtap::http
