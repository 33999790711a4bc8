// What was handed on last, to tell a retransmission from one that differs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace flowtap::tcp {

/// A ring that all connections share: how much there is of each ends with the memory, and an idle connection costs
/// nothing. Keeping every byte would cost as much as reading most packets does, so of what is handed on at a time the
/// beginning is kept, and samples of the rest: other bytes in place of 512 or more of it always show.
class History {
 public:
  static constexpr uint32_t wholeBytes = 128;
  static constexpr uint32_t sampleEvery = 512;
  static constexpr uint32_t sampleBytes = 8;

  /// With less than a page it keeps nothing.
  explicit History(uint64_t maxBytes) {
    if (maxBytes < leastBytes) return;
    capacity_ = leastBytes;
    while (capacity_ * 2 <= std::min(maxBytes, mostBytes)) capacity_ *= 2;
    // The last run may hang over the end.
    ring_.reset(static_cast<uint8_t*>(std::malloc(capacity_ + overhang(capacity_))));
    latest_.reset(static_cast<uint64_t*>(std::calloc(latestCount(capacity_), sizeof(uint64_t))));
    if (!ring_ || !latest_) std::abort();
    latestMask_ = latestCount(capacity_) - 1;
    mostLength_ = static_cast<uint32_t>(capacity_ * 4);
    // So that position 0 is never one that is still there.
    end_ = 2 * capacity_;
  }

  /// Memory of it all.
  uint64_t bytes() const { return capacity_ + overhang(capacity_) + latestCount(capacity_) * sizeof(uint64_t); }

  /// `stream` names one direction of a connection; its offsets ascend.
  void keep(uint64_t stream, uint64_t offset, const uint8_t* bytes, uint32_t length) {
    if (length > mostLength_) [[unlikely]]
      return;
    uint64_t& latest = latest_[stream & latestMask_];
    Run& run = at(end_);
    run.stream = stream;
    run.offset = offset;
    run.previous = latest;
    run.length = length;
    uint8_t* kept = run.kept();
    if (length <= wholeBytes) {
      std::memcpy(kept, bytes, length);
      kept += (length + 7) & ~7u;
    } else {
      std::memcpy(kept, bytes, wholeBytes);
      kept += wholeBytes;
      const uint8_t* const last = bytes + length - sampleBytes;
      for (const uint8_t* sample = bytes + wholeBytes; sample < last; sample += sampleEvery, kept += sampleBytes)
        std::memcpy(kept, sample, sampleBytes);
      std::memcpy(kept, last, sampleBytes);
      kept += sampleBytes;
    }
    latest = end_;
    end_ += static_cast<uint64_t>(kept - reinterpret_cast<const uint8_t*>(&run));
  }

  /// tell(from, to) for each run of these bytes that is known to differ from what was handed on, from the first byte
  /// that does to the last.
  template <typename Tell>
  void compare(uint64_t stream, uint64_t offset, const uint8_t* bytes, uint32_t length, Tell tell) const {
    if (!ring_) return;
    const uint64_t end = offset + length;
    uint64_t position = latest_[stream & latestMask_];
    for (int looks = 0; looks < maxLooks && end_ - position <= capacity_; ++looks) {
      const Run& run = at(position);
      position = run.previous;
      if (run.stream != stream) continue;
      if (run.offset + run.length <= offset) return;
      if (run.offset >= end) continue;
      Difference difference(offset, bytes, end);
      difference.look(run.offset, run.kept(), std::min(run.length, wholeBytes));
      if (run.length > wholeBytes) {
        const uint8_t* kept = run.kept() + wholeBytes;
        const uint32_t last = run.length - sampleBytes;
        for (uint32_t sample = wholeBytes; sample < last; sample += sampleEvery, kept += sampleBytes)
          difference.look(run.offset + sample, kept, sampleBytes);
        difference.look(run.offset + last, kept, sampleBytes);
      }
      if (difference.from < difference.to) tell(difference.from, difference.to);
    }
  }

 private:
  struct Run {
    uint64_t stream;
    uint64_t offset;
    uint64_t previous;  ///< position of the one before it, of this stream or of one with the same place in latest_
    uint32_t length;    ///< of what was handed on

    const uint8_t* kept() const { return reinterpret_cast<const uint8_t*>(this + 1); }
    uint8_t* kept() { return reinterpret_cast<uint8_t*>(this + 1); }
  };
  struct Difference {
    Difference(uint64_t offset, const uint8_t* bytes, uint64_t end)
        : from(end), bytes_(bytes), offset_(offset), end_(end) {}

    void look(uint64_t at, const uint8_t* kept, uint32_t length) {
      const uint64_t begin = std::max(at, offset_);
      const uint64_t end = std::min(at + length, end_);
      if (begin >= end || std::memcmp(kept + (begin - at), bytes_ + (begin - offset_), end - begin) == 0) return;
      for (uint64_t i = begin; i < end; ++i) {
        if (kept[i - at] == bytes_[i - offset_]) continue;
        from = std::min(from, i);
        to = std::max(to, i + 1);
      }
    }

    uint64_t from;
    uint64_t to = 0;

   private:
    const uint8_t* bytes_;
    uint64_t offset_;
    uint64_t end_;
  };
  static constexpr uint64_t leastBytes = 4096;
  /// It is written all around all the time, so it should stay in the cache.
  static constexpr uint64_t mostBytes = uint64_t{1} << 20;
  /// A retransmission of what lies further back must not cost more than a hundred ordered segments.
  static constexpr int maxLooks = 256;

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  Run& at(uint64_t position) const { return *reinterpret_cast<Run*>(ring_.get() + (position & (capacity_ - 1))); }

  /// The most that a run takes of the ring.
  static constexpr uint64_t overhang(uint64_t capacity) { return capacity / 4; }
  static constexpr uint64_t latestCount(uint64_t capacity) { return capacity / 128; }

  template <typename T>
  using Memory = std::unique_ptr<T, Free>;

  Memory<uint8_t[]> ring_;
  Memory<uint64_t[]> latest_;  ///< by stream: where its last run is
  uint64_t latestMask_ = 0;
  uint64_t capacity_ = 0;
  uint32_t mostLength_ = 0;  ///< more would not fit, or leave room for nothing else
  uint64_t end_ = 0;         ///< bytes written so far; positions are such counts, their place in the ring is the rest
};

}  // namespace flowtap::tcp
