#include "tcp/page_pool.h"

namespace flowtap::tcp {

uint32_t PagePool::allocate() {
  uint32_t index = freed_;
  if (index != 0) {
    freed_ = at(index).nextFree;
  } else {
    index = end_++;
    if (index >> blockShift >= blocks_.size()) blocks_.emplace_back(new Page[blockSize]);
  }
  Page& page = at(index);
  page.used = 0;
  page.pieces = 0;
  ++used_;
  return index;
}

void PagePool::release(uint32_t index) {
  at(index).nextFree = freed_;
  freed_ = index;
  if (--used_ > 0 || blocks_.size() <= 1) return;
  // What a burst of loss took goes back to the system.
  blocks_.resize(1);
  end_ = 1;
  freed_ = 0;
}

}  // namespace flowtap::tcp
