// All directions in which something waits, by the time at which the waiting ends.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tcp/pending.h"

namespace flowtap::tcp {

/// Owns the Pendings and keeps those with a deadline in a binary heap: finding the next one that is overdue looks at no
/// other connection. Index 0 is none.
class PendingPool {
 private:
  struct Slot {
    std::unique_ptr<Pending> pending;  ///< free ones may have none
    uint32_t nextFree;
  };

 public:
  static constexpr int64_t never = INT64_MAX;
  /// Memory of one: with its slot, its place in the heap, and what the allocator adds.
  static constexpr uint64_t bytesEach = sizeof(Pending) + sizeof(Slot) + 2 * sizeof(uint32_t) + 16;

  Pending& at(uint32_t index) const { return *slots_[index - 1].pending; }
  uint32_t allocate(uint32_t connection, Side side);
  /// Its pieces must be gone.
  void release(uint32_t index);
  /// Memory of them all, and of their pieces.
  uint64_t bytes() const { return pieceBytes_ + allocated_ * bytesEach; }

  void setDeadline(uint32_t index, int64_t deadlineNs);
  /// 0 when nothing has a deadline.
  uint32_t earliest() const { return heap_.empty() ? 0 : heap_[0]; }
  int64_t earliestNs() const { return heap_.empty() ? never : at(heap_[0]).deadlineNs; }

 private:
  /// For reordering that comes and goes.
  static constexpr uint64_t keptFree = 1024;

  void moveUp(size_t position);
  void moveDown(size_t position);
  void put(size_t position, uint32_t index);

  uint64_t pieceBytes_ = 0;  ///< outlives the Pendings
  std::vector<Slot> slots_;
  std::vector<uint32_t> heap_;
  uint64_t allocated_ = 0;
  uint32_t freed_ = 0;
  uint32_t used_ = 0;
};

}  // namespace flowtap::tcp
