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
 public:
  static constexpr int64_t never = INT64_MAX;

  Pending& at(uint32_t index) const { return *pendings_[index - 1]; }
  uint32_t allocate(uint32_t connection, Side side);
  /// Its pieces must be gone.
  void release(uint32_t index);
  uint32_t used() const { return used_; }

  void setDeadline(uint32_t index, int64_t deadlineNs);
  /// 0 when nothing has a deadline.
  uint32_t earliest() const { return heap_.empty() ? 0 : heap_[0]; }
  int64_t earliestNs() const { return heap_.empty() ? never : at(heap_[0]).deadlineNs; }

 private:
  void moveUp(size_t position);
  void moveDown(size_t position);
  void put(size_t position, uint32_t index);

  std::vector<std::unique_ptr<Pending>> pendings_;
  std::vector<uint32_t> heap_;
  uint32_t freed_ = 0;
  uint32_t used_ = 0;
};

}  // namespace flowtap::tcp
