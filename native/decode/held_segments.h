// Segments that nobody wants yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decode/segment.h"
#include "stats.h"

namespace flowtap::decode {

struct HoldOptions {
  int64_t holdNs = 1'000'000'000;  ///< packet time for which a segment is kept at least, if there is room
  size_t maxBytes = 4u << 20;      ///< payload, twice
  size_t maxSegments = 16384;      ///< twice
};

/// Which endpoints are wanted may be learnt only after their first packets came. Keeps the last segments in two
/// generations, so that forgetting costs nothing.
class HeldSegments {
 public:
  HeldSegments(const HoldOptions& options, Stats& stats) : options_(options), stats_(stats) {}

  /// Copies it. `tag` is the caller's, and comes back with it, as the note.
  void hold(const Segment& segment, uint64_t tag = 0, const PacketNote& note = {});

  /// Hands over those that are wanted, in the order in which they came, and does not keep them.
  template <typename Wanted, typename Take>
  void release(const Wanted& wanted, const Take& take) {
    for (Generation* generation : {&old_, &young_}) {
      std::vector<Held>& segments = generation->segments;
      size_t kept = 0;
      for (const Held& held : segments) {
        if (wanted(held.segment))
          take(held.segment, held.tag, held.note);
        else
          segments[kept++] = held;
      }
      segments.resize(kept);
    }
  }

 private:
  struct Held {
    Segment segment;
    uint64_t tag;
    PacketNote note;
  };
  struct Generation {
    std::vector<Held> segments;
    std::vector<uint8_t> bytes;  ///< never grows beyond what was reserved: segments point into it
  };

  /// Makes room in the young generation.
  void rotate(int64_t nowNs);

  const HoldOptions options_;
  Stats& stats_;
  Generation young_;
  Generation old_;
};

}  // namespace flowtap::decode
