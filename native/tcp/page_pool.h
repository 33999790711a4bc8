// Pages for bytes that wait.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace flowtap::tcp {

/// One page holds pieces of one direction, in the order in which they came. It is free again when the last of them is
/// gone.
struct Page {
  static constexpr uint32_t capacity = 2048 - 8;
  uint16_t used;
  uint16_t pieces;
  uint32_t nextFree;
  uint8_t bytes[capacity];
};
static_assert(sizeof(Page) == 2048);

/// Index 0 is no page.
class PagePool {
 public:
  Page& at(uint32_t index) const { return blocks_[index >> blockShift][index & (blockSize - 1)]; }
  uint32_t allocate();
  void release(uint32_t index);
  uint32_t used() const { return used_; }

 private:
  static constexpr uint32_t blockShift = 6;
  static constexpr uint32_t blockSize = 1u << blockShift;
  std::vector<std::unique_ptr<Page[]>> blocks_;
  uint32_t used_ = 0;
  uint32_t end_ = 1;
  uint32_t freed_ = 0;
};

}  // namespace flowtap::tcp
