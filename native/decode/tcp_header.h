// The fields of a TCP header, for the fast path and the general one.
#pragma once

#include <cstdint>

#include "decode/reader.h"
#include "decode/segment.h"

namespace flowtap::decode {

inline constexpr uint32_t tcpHeaderBytes = 20;  ///< without options

inline uint32_t tcpDataOffset(const uint8_t* header) { return (header[12] >> 4) * 4u; }

/// Everything of the segment but addresses and payload. The fixed header must be there.
inline void readTcpHeader(const uint8_t* header, Segment& segment) {
  segment.sourcePort = loadBe16(header);
  segment.destinationPort = loadBe16(header + 2);
  segment.sequence = loadBe32(header + 4);
  segment.acknowledgment = loadBe32(header + 8);
  segment.controlBits = header[13];
  segment.window = loadBe16(header + 14);
  segment.urgentPointer = loadBe16(header + 18);
}

}  // namespace flowtap::decode
