#include "tcp/pending_pool.h"

namespace flowtap::tcp {

uint32_t PendingPool::allocate(uint32_t connection, Side side) {
  uint32_t index = freed_;
  if (index != 0) {
    freed_ = slots_[index - 1].nextFree;
  } else {
    slots_.emplace_back();
    index = static_cast<uint32_t>(slots_.size());
  }
  Slot& slot = slots_[index - 1];
  if (!slot.pending) {
    slot.pending = std::make_unique<Pending>(pieceBytes_);
    ++allocated_;
  }
  slot.pending->connection = connection;
  slot.pending->side = side;
  ++used_;
  return index;
}

void PendingPool::release(uint32_t index) {
  setDeadline(index, never);
  at(index).reset_();
  if (--used_ == 0 && slots_.size() > keptFree) {
    slots_.clear();
    slots_.shrink_to_fit();
    heap_.shrink_to_fit();
    allocated_ = 0;
    freed_ = 0;
    return;
  }
  Slot& slot = slots_[index - 1];
  if (allocated_ > keptFree && allocated_ / 2 > used_) {
    slot.pending.reset();
    --allocated_;
  }
  slot.nextFree = freed_;
  freed_ = index;
}

void PendingPool::put(size_t position, uint32_t index) {
  heap_[position] = index;
  at(index).heapPosition = static_cast<uint32_t>(position + 1);
}

void PendingPool::moveUp(size_t position) {
  const uint32_t index = heap_[position];
  const int64_t deadlineNs = at(index).deadlineNs;
  while (position > 0) {
    const size_t parent = (position - 1) / 2;
    if (at(heap_[parent]).deadlineNs <= deadlineNs) break;
    put(position, heap_[parent]);
    position = parent;
  }
  put(position, index);
}

void PendingPool::moveDown(size_t position) {
  const uint32_t index = heap_[position];
  const int64_t deadlineNs = at(index).deadlineNs;
  for (;;) {
    size_t child = position * 2 + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && at(heap_[child + 1]).deadlineNs < at(heap_[child]).deadlineNs) ++child;
    if (at(heap_[child]).deadlineNs >= deadlineNs) break;
    put(position, heap_[child]);
    position = child;
  }
  put(position, index);
}

void PendingPool::setDeadline(uint32_t index, int64_t deadlineNs) {
  Pending& pending = at(index);
  if (pending.heapPosition != 0) {
    if (pending.deadlineNs == deadlineNs) return;
    const size_t position = pending.heapPosition - 1;
    if (deadlineNs != never) {
      const bool sooner = deadlineNs < pending.deadlineNs;
      pending.deadlineNs = deadlineNs;
      sooner ? moveUp(position) : moveDown(position);
      return;
    }
    pending.heapPosition = 0;
    const uint32_t last = heap_.back();
    heap_.pop_back();
    if (last == index) return;
    put(position, last);
    moveUp(position);
    moveDown(at(last).heapPosition - 1);
    return;
  }
  if (deadlineNs == never) return;
  pending.deadlineNs = deadlineNs;
  heap_.push_back(index);
  moveUp(heap_.size() - 1);
}

}  // namespace flowtap::tcp
