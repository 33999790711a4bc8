// First in, first out, linked in a ring through the items themselves: `T` has a `T* next`. Owns nothing. Connections
// have one each, so it is small; its last bytes may hold other members ([[no_unique_address]]).
#pragma once

#include <cstdint>

namespace flowtap::http {

template <typename T>
class Queue {
 public:
  bool empty() const { return last_ == nullptr; }
  uint16_t size() const { return size_; }
  /// Null when there is none.
  T* first() const { return last_ == nullptr ? nullptr : last_->next; }

  void push(T* item) {
    if (last_ == nullptr) {
      item->next = item;
    } else {
      item->next = last_->next;
      last_->next = item;
    }
    last_ = item;
    size_++;
  }
  /// Null when there is none.
  T* pop() {
    T* item = first();
    if (item == nullptr) return nullptr;
    if (item == last_)
      last_ = nullptr;
    else
      last_->next = item->next;
    size_--;
    return item;
  }

 private:
  T* last_ = nullptr;  ///< whose `next` is the first
  uint16_t size_ = 0;
};

}  // namespace flowtap::http
