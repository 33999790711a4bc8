// Counts the packets of one direction of a connection, as flow records tell them.
#pragma once

#include <cstdint>

#include "delivery/flow_record.h"
#include "tcp/stream_listener.h"

namespace flowtap::delivery {

class FlowTally {
 public:
  /// True for the first packet that counts: the SYN, or the first bytes of a connection that began before the capture.
  bool take(const decode::PacketNote& packet, const decode::Segment& segment);
  /// Nothing counts from now on: copies of what was there, and acknowledgments of the other side's end.
  void finish() { over_ = true; }
  const FlowCounts& counts() const { return counts_; }

 private:
  void place(uint32_t sequence, uint32_t length);

  FlowCounts counts_ = {};
  int64_t position_ = 0;  ///< behind the last packet with bytes
  uint32_t nextSequence_ = 0;
  bool begun_ = false;
  bool synSeen_ = false;
  bool over_ = false;
};

}  // namespace flowtap::delivery
