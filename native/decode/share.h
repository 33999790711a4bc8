// Which worker a connection belongs to.
#pragma once

#include <arpa/inet.h>

#include <cstdint>

#include "decode/segment.h"
#include "source/share.h"

namespace flowtap::decode {

/// Whether the segment's connection belongs to this worker. IPv4-mapped prefixes cancel out, so that it agrees with
/// source::shareFilter().
inline bool isIn(const source::Share& share, const Segment& segment) {
  const uint64_t words =
      segment.source.words[0] ^ segment.source.words[1] ^ segment.destination.words[0] ^ segment.destination.words[1];
  const uint32_t addresses = ntohl(static_cast<uint32_t>(words ^ words >> 32));
  const auto ports = static_cast<uint32_t>(segment.sourcePort ^ segment.destinationPort);
  return source::shareOf(addresses, ports, share.count) == share.index;
}

}  // namespace flowtap::decode
