// Slab of connections and the lists that order them by activity.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "tcp/connection.h"

namespace flowtap::tcp {

/// Connections live in blocks of 2 MiB and never move. Index 0 is nobody. Each connection in use stands in one list;
/// entering one goes to its end, and activity does not move it: that would touch three more cache lines a segment. Who
/// takes from the front looks at activeNs and gives those a second round that were active since (the clock algorithm).
class ConnectionPool {
 public:
  explicit ConnectionPool(uint32_t maxConnections) : max_(maxConnections) {}

  Connection& at(uint32_t index) const { return blocks_[index >> blockShift].get()[index & (blockSize - 1)]; }
  const Connection* address(uint32_t index) const { return &at(index); }

  /// 0 when all are in use.
  uint32_t allocate();
  void release(uint32_t index);

  void enqueue(uint32_t index, Standing standing, int64_t nowNs);
  void dequeue(uint32_t index);
  void requeue(uint32_t index, Standing standing, int64_t nowNs) {
    dequeue(index);
    enqueue(index, standing, nowNs);
  }
  uint32_t front(Standing standing) const { return lists_[static_cast<size_t>(standing)].first; }
  uint32_t count(Standing standing) const { return lists_[static_cast<size_t>(standing)].count; }

  uint32_t used() const { return used_; }
  /// One past the highest index ever used.
  uint32_t end() const { return end_; }
  size_t bytes() const { return blocks_.size() * blockSize * sizeof(Connection); }

 private:
  static constexpr uint32_t blockShift = 14;
  static constexpr uint32_t blockSize = 1u << blockShift;
  struct Free {
    void operator()(Connection* block) const { std::free(block); }
  };
  struct List {
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t count = 0;
  };

  void addBlock();

  std::vector<std::unique_ptr<Connection, Free>> blocks_;
  List lists_[static_cast<size_t>(Standing::count)];
  uint32_t max_;
  uint32_t used_ = 0;
  uint32_t end_ = 1;
  uint32_t freed_ = 0;  ///< chained by `following`
};

}  // namespace flowtap::tcp
