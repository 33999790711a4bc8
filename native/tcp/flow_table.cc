#include "tcp/flow_table.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <utility>

namespace flowtap::tcp {
namespace {
constexpr uint32_t initialCapacity = 1024;
[[maybe_unused]] constexpr size_t hugePageBytes = size_t{2} << 20;
}  // namespace

// Large tables come from the system as untouched zero pages, so growing costs nothing until they are used.
FlowTable::Slots FlowTable::allocate(uint32_t capacity) {
  const size_t bytes = capacity * sizeof(Slot);
#if defined(MADV_HUGEPAGE)
  if (bytes >= hugePageBytes) {
    void* mapped = mmap(nullptr, bytes + hugePageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) std::abort();
    // Aligned, or the first and last parts would have to do with small pages. What hangs over is never touched.
    const size_t beyond = reinterpret_cast<uintptr_t>(mapped) & (hugePageBytes - 1);
    auto* aligned = reinterpret_cast<Slot*>(static_cast<char*>(mapped) + (beyond == 0 ? 0 : hugePageBytes - beyond));
    madvise(aligned, bytes, MADV_HUGEPAGE);
    return Slots(aligned, Free(mapped, bytes + hugePageBytes));
  }
#endif
  auto* slots = static_cast<Slot*>(std::calloc(capacity, sizeof(Slot)));
  if (slots == nullptr) std::abort();
  return Slots(slots, Free());
}

void FlowTable::Free::operator()(Slot* slots) const {
#if defined(MADV_HUGEPAGE)
  if (mapped != nullptr) {
    munmap(mapped, mappedBytes);
    return;
  }
#endif
  std::free(slots);
}

FlowTable::FlowTable() : slots_(allocate(initialCapacity)), mask_(initialCapacity - 1) {}

void FlowTable::place(Slot slot) {
  uint32_t at = slot.hash & mask_;
  while (slots_[at].index != 0) at = (at + 1) & mask_;
  slots_[at] = slot;
}

void FlowTable::insert(uint32_t hash, uint32_t index) {
  moveSome();
  if (used_ >= (mask_ >> 2) * 3 && mask_ < 0x7fffffff) grow();
  place({hash, index});
  ++used_;
}

void FlowTable::grow() {
  // At sixteen slots an insertion the old table is empty long before the new one is three quarters full.
  while (oldSlots_) moveSome();
  oldSlots_ = std::move(slots_);
  oldMask_ = mask_;
  oldCursor_ = 0;
  mask_ = mask_ * 2 + 1;
  slots_ = allocate(mask_ + 1);
}

void FlowTable::moveSome() {
  if (!oldSlots_) return;
  for (uint32_t count = 0; count < slotsMovedAtOnce; ++count) {
    Slot& slot = oldSlots_[oldCursor_];
    if (slot.index != 0 && slot.index != moved) {
      place(slot);
      slot.index = moved;
    }
    if (oldCursor_++ == oldMask_) {
      oldSlots_.reset();
      return;
    }
  }
}

void FlowTable::erase(uint32_t hash, uint32_t index) {
  for (uint32_t at = hash & mask_; slots_[at].index != 0; at = (at + 1) & mask_) {
    if (slots_[at].index != index) continue;
    --used_;
    // Close the hole with entries from behind that may stand here, so that probing never meets graves.
    for (uint32_t next = (at + 1) & mask_; slots_[next].index != 0; next = (next + 1) & mask_) {
      const uint32_t home = slots_[next].hash & mask_;
      if (((next - home) & mask_) < ((next - at) & mask_)) continue;
      slots_[at] = slots_[next];
      at = next;
    }
    slots_[at] = {0, 0};
    return;
  }
  if (!oldSlots_) return;
  for (uint32_t at = hash & oldMask_; oldSlots_[at].index != 0; at = (at + 1) & oldMask_) {
    if (oldSlots_[at].index != index) continue;
    oldSlots_[at].index = moved;
    --used_;
    return;
  }
}

}  // namespace flowtap::tcp
