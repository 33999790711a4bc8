// The PROXY protocol: what a load balancer puts before the bytes of a connection that it passes on
// (haproxy.org/download/3.0/doc/proxy-protocol.txt, 2.1 and 2.2).
#pragma once

#include <cstddef>
#include <cstdint>

#include "tcp/stream_listener.h"

namespace flowtap::stream {

/// Who really speaks with whom.
struct ProxyHeader {
  uint8_t ipVersion;  ///< 4 or 6; 0 when the header tells no addresses (UNKNOWN, LOCAL, other families)
  uint16_t sourcePort;
  uint16_t destinationPort;
  decode::Address source;
  decode::Address destination;
};

enum class ProxyVerdict : uint8_t { no, needMore, complete };

/// So many bytes are always enough to decide.
inline constexpr size_t maxProxyBytes = 107;

/// Looks at p[0, n), n >= 1, where a connection begins. complete: `length` is that of the whole header, of which the
/// end (extensions of version 2) may lie behind n.
ProxyVerdict readProxyHeader(const uint8_t* p, size_t n, ProxyHeader& header, size_t& length);

}  // namespace flowtap::stream
