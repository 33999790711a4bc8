#include "tcp/connection_pool.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <new>

namespace flowtap::tcp {

void ConnectionPool::addBlock() {
  constexpr size_t bytes = size_t{blockSize} * sizeof(Connection);
  auto* block = static_cast<Connection*>(std::aligned_alloc(bytes, bytes));
  if (block == nullptr) std::abort();
#if defined(MADV_HUGEPAGE)
  // With a million connections nearly every segment would miss the TLB too. The first block stays small for small
  // captures.
  if (!blocks_.empty()) madvise(block, bytes, MADV_HUGEPAGE);
#endif
  blocks_.emplace_back(block);
}

uint32_t ConnectionPool::allocate() {
  if (used_ >= max_) return 0;
  uint32_t index = freed_;
  if (index != 0) {
    freed_ = at(index).following;
  } else {
    if (end_ == 0xfffffffe) return 0;
    index = end_++;
    if (index >> blockShift >= blocks_.size()) addBlock();
  }
  new (&at(index)) Connection{};
  ++used_;
  return index;
}

void ConnectionPool::release(uint32_t index) {
  Connection& connection = at(index);
  connection.flags = 0;
  connection.following = freed_;
  freed_ = index;
  --used_;
}

void ConnectionPool::enqueue(uint32_t index, Standing standing, int64_t nowNs) {
  List& list = lists_[static_cast<size_t>(standing)];
  Connection& connection = at(index);
  connection.standing = static_cast<uint8_t>(standing);
  connection.queuedNs = nowNs;
  connection.previous = list.last;
  connection.following = 0;
  if (list.last != 0) {
    at(list.last).following = index;
  } else {
    list.first = index;
  }
  list.last = index;
  ++list.count;
}

void ConnectionPool::dequeue(uint32_t index) {
  Connection& connection = at(index);
  List& list = lists_[connection.standing];
  if (connection.previous != 0) {
    at(connection.previous).following = connection.following;
  } else {
    list.first = connection.following;
  }
  if (connection.following != 0) {
    at(connection.following).previous = connection.previous;
  } else {
    list.last = connection.previous;
  }
  --list.count;
}

}  // namespace flowtap::tcp
