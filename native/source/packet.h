// What a source hands to the pipeline: captured packets, in bursts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flowtap::source {

/// One captured packet. `data` is valid only during the call that delivers it.
struct Packet {
  const uint8_t* data;
  uint32_t capturedLength;  ///< bytes at `data`
  uint32_t wireLength;      ///< bytes the packet had on the wire (>= capturedLength unless the file lies)
  int64_t timestampNs;      ///< nanoseconds since the Unix epoch
  uint32_t linkType;        ///< LINKTYPE_ value (https://www.tcpdump.org/linktypes.html)
  uint32_t interfaceId;     ///< index of the interface in the capture, 0 where there is only one
};

/// Receives packets. A burst may have any length >= 1; all of its packets stay valid until the call returns, so
/// that a sink can look ahead in it.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual void packets(const Packet* burst, size_t count) = 0;
};

}  // namespace flowtap::source
