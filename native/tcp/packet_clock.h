// Time as the packets tell it, made safe to wait on.
#pragma once

#include <algorithm>
#include <cstdint>

namespace flowtap::tcp {

/// Packet times jump: several interfaces, several files, hosts that set their clock. This clock never runs backwards.
/// Times that lie a little before the latest are reordering; when many in a row lie far before it, the sender's clock
/// was set back and the time goes on from there.
class PacketClock {
 public:
  /// A single step is never longer than maxStepNs: after that everything has expired anyway.
  explicit PacketClock(int64_t maxStepNs) : maxStepNs_(maxStepNs) {}

  int64_t now() const { return now_; }

  int64_t observe(int64_t packetNs) {
    if (packetNs > latestNs_) {
      if (started_) step(static_cast<uint64_t>(packetNs) - static_cast<uint64_t>(latestNs_));
      started_ = true;
      latestNs_ = packetNs;
      behind_ = 0;
    } else if (packetNs < latestNs_) {
      fallBehind(packetNs);
    }
    return now_;
  }

 private:
  void step(uint64_t elapsedNs) {
    now_ += static_cast<int64_t>(std::min<uint64_t>(elapsedNs, static_cast<uint64_t>(maxStepNs_)));
    // Only absurd input comes here; standing still is safe, since every wait also ends by counts and caps.
    now_ = std::min(now_, int64_t{1} << 61);
  }
  void fallBehind(int64_t packetNs) {
    if (static_cast<uint64_t>(latestNs_) - static_cast<uint64_t>(packetNs) <= toleranceNs) return;
    if (++behind_ < packetsToBelieve) return;
    latestNs_ = packetNs;
    behind_ = 0;
  }

  static constexpr uint64_t toleranceNs = 1'000'000'000;
  static constexpr uint32_t packetsToBelieve = 64;

  int64_t now_ = 0;
  int64_t latestNs_ = INT64_MIN;
  int64_t maxStepNs_;
  uint32_t behind_ = 0;
  bool started_ = false;
};

}  // namespace flowtap::tcp
