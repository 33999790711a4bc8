// Recycles objects of one type. Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace flowtap::http {

/// T must be default-constructible; objects are handed out as they came back.
template <typename T>
class Pool {
 public:
  T* acquire() {
    if (free_.empty()) {
      all_.push_back(std::make_unique<T[]>(slabSize));
      T* slab = all_.back().get();
      free_.reserve(all_.size() * slabSize);
      for (size_t i = slabSize; i-- > 0;) free_.push_back(&slab[i]);
    }
    T* object = free_.back();
    free_.pop_back();
    return object;
  }
  void release(T* object) { free_.push_back(object); }

 private:
  static constexpr size_t slabSize = 64;
  std::vector<std::unique_ptr<T[]>> all_;
  std::vector<T*> free_;
};

}  // namespace flowtap::http
