// What a protocol sees of a connection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stream/proxy_header.h"
#include "tcp/stream_listener.h"

namespace flowtap::stream {

/// Like tcp::StreamListener, from the first byte of payload on. `state` is the handler's own, one for each connection,
/// null at first; it is released in close() or abandon(), whichever comes first; nothing is called for the connection
/// after that.
class ProtocolHandler {
 public:
  virtual ~ProtocolHandler() = default;
  /// A PROXY header began what `side` sent; its bytes do not count as data. Comes before anything else.
  virtual void proxied(tcp::ConnectionInfo& connection, void*& state, tcp::Side side, const ProxyHeader& header) = 0;
  virtual void data(tcp::ConnectionInfo& connection, void*& state, tcp::Side side, uint64_t offset,
                    const uint8_t* bytes, size_t length, int64_t timeNs) = 0;
  virtual void gap(tcp::ConnectionInfo& connection, void*& state, tcp::Side side, uint64_t length, tcp::GapCause cause,
                   int64_t timeNs) = 0;
  virtual void conflict(tcp::ConnectionInfo& connection, void*& state, tcp::Side side, uint64_t offset, uint64_t length,
                        tcp::ConflictAt where) = 0;
  virtual void end(tcp::ConnectionInfo& connection, void*& state, tcp::Side side, int64_t timeNs) = 0;
  virtual void close(tcp::ConnectionInfo& connection, void*& state, tcp::CloseReason reason, int64_t timeNs) = 0;
  /// The connection turned out to carry something else.
  virtual void abandon(tcp::ConnectionInfo& connection, void*& state) = 0;
  /// Did it understand anything of this connection?
  virtual bool recognised(const void* state) const = 0;
};

}  // namespace flowtap::stream
