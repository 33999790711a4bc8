// From hashes to the indices of connections.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace flowtap::tcp {

/// Open addressing with linear probing in slots of eight bytes; knows nothing of keys but their 32-bit hash. Indices
/// are 1 to 0xfffffffe. Growing moves a few slots with each insertion, so no packet waits for a whole table to be
/// copied.
class FlowTable {
 public:
  FlowTable();

  /// The first index with this hash for which `matches(index)` holds, 0 without one.
  template <typename Matches>
  uint32_t find(uint32_t hash, Matches&& matches) const {
    for (uint32_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot slot = slots_[at];
      if (slot.index == 0) break;
      if (slot.hash == hash && matches(slot.index)) return slot.index;
    }
    return oldSlots_ ? findOld(hash, matches) : 0;
  }

  /// The connection that probably has this hash, 0 when there is none. For prefetching.
  uint32_t guess(uint32_t hash) const {
    return find(hash, [](uint32_t) { return true; });
  }
  void prefetch(uint32_t hash) const {
    __builtin_prefetch(&slots_[hash & mask_]);
    if (oldSlots_) __builtin_prefetch(&oldSlots_[hash & oldMask_]);
  }

  void insert(uint32_t hash, uint32_t index);
  void erase(uint32_t hash, uint32_t index);

  uint32_t size() const { return used_; }
  size_t bytes() const { return (size_t{mask_} + 1 + (oldSlots_ ? size_t{oldMask_} + 1 : 0)) * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t hash;
    uint32_t index;  ///< 0: never used
  };
  struct Free {
    Free() : mapped(nullptr), mappedBytes(0) {}
    Free(void* from, size_t bytes) : mapped(from), mappedBytes(bytes) {}
    void operator()(Slot* slots) const;

    void* mapped;  ///< nullptr: from the heap
    size_t mappedBytes;
  };
  using Slots = std::unique_ptr<Slot[], Free>;

  static constexpr uint32_t moved = 0xffffffff;  ///< in the old table: taken away, but probing goes on
  static constexpr uint32_t slotsMovedAtOnce = 16;

  template <typename Matches>
  uint32_t findOld(uint32_t hash, Matches& matches) const {
    for (uint32_t at = hash & oldMask_;; at = (at + 1) & oldMask_) {
      const Slot slot = oldSlots_[at];
      if (slot.index == 0) return 0;
      if (slot.hash == hash && slot.index != moved && matches(slot.index)) return slot.index;
    }
  }

  static Slots allocate(uint32_t capacity);
  void place(Slot slot);
  void grow();
  void moveSome();

  Slots slots_;
  Slots oldSlots_;
  uint32_t mask_;
  uint32_t oldMask_ = 0;
  uint32_t oldCursor_ = 0;
  uint32_t used_ = 0;
};

}  // namespace flowtap::tcp
