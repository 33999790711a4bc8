#include "stream/protocol_switch.h"

#include <algorithm>
#include <utility>

#include "byte_buffer.h"

namespace flowtap::stream {

struct ProtocolSwitch::Stream {
  void* state = nullptr;  ///< the handler's; the next free one while unused
  std::unique_ptr<Prefix> prefix;
  std::unique_ptr<Detector> detector[2];  ///< of a side whose first bytes did not tell enough
  Protocol protocol = Protocol::undetermined;
  bool settled[2] = {false, false};  ///< nothing more is to be learnt from this side
};

/// Of a connection whose first bytes look like a PROXY header that is not all there.
struct ProtocolSwitch::Prefix {
  ByteBuffer waiting;  ///< the bytes so far, at most maxProxyBytes
  uint64_t offset;     ///< of the first of them
  int64_t timeNs;
  uint64_t skip = 0;  ///< once it was recognised: what is still to come of it
  tcp::Side side;
};

namespace {
constexpr size_t streamsPerSlab = 1024;
}

ProtocolSwitch::ProtocolSwitch(ProtocolHandler& http1, Stats& stats) : http1_(http1), stats_(stats) {}

ProtocolSwitch::~ProtocolSwitch() {
  for (Stream* slab : slabs_) delete[] slab;
}

ProtocolSwitch::Stream* ProtocolSwitch::acquire() {
  if (free_ == nullptr) {
    auto* slab = new Stream[streamsPerSlab];
    slabs_.push_back(slab);
    for (size_t i = 0; i < streamsPerSlab; i++) {
      slab[i].state = free_;
      free_ = &slab[i];
    }
  }
  Stream* stream = free_;
  free_ = static_cast<Stream*>(stream->state);
  stream->state = nullptr;
  return stream;
}

void ProtocolSwitch::open(tcp::ConnectionInfo& connection, int64_t) { connection.context = nullptr; }

void ProtocolSwitch::data(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, const uint8_t* bytes,
                          size_t length, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr) connection.context = stream = acquire();
  if (stream->protocol == Protocol::undetermined && !stream->settled[side] &&
      !passProxyHeader(connection, *stream, side, offset, bytes, length, timeNs))
    return;
  handOn(connection, *stream, side, offset, bytes, length, timeNs);
}

void ProtocolSwitch::handOn(tcp::ConnectionInfo& connection, Stream& stream, tcp::Side side, uint64_t offset,
                            const uint8_t* bytes, size_t length, int64_t timeNs) {
  if (stream.protocol == Protocol::undetermined && !stream.settled[side]) {
    const Protocol protocol = detect(stream, side, bytes, length);
    if (protocol != Protocol::undetermined && !http1_.recognised(stream.state)) {
      recognise(connection, stream, protocol);
      return;
    }
  }
  if (stream.protocol > Protocol::http1) return;
  http1_.data(connection, stream.state, side, offset, bytes, length, timeNs);
}

Protocol ProtocolSwitch::detect(Stream& stream, tcp::Side side, const uint8_t* bytes, size_t length) {
  std::unique_ptr<Detector>& kept = stream.detector[side];
  Detector first;
  Detector& detector = kept == nullptr ? first : *kept;
  const Protocol protocol = detector.feed(bytes, length);
  stream.settled[side] = detector.finished();
  if (detector.finished())
    kept.reset();
  else if (kept == nullptr)
    kept = std::make_unique<Detector>(first);
  return protocol;
}

bool ProtocolSwitch::passProxyHeader(tcp::ConnectionInfo& connection, Stream& stream, tcp::Side side, uint64_t offset,
                                     const uint8_t*& bytes, size_t& length, int64_t timeNs) {
  Prefix* prefix = stream.prefix.get();
  if (prefix == nullptr) {
    if (offset != 0 || (bytes[0] != 'P' && bytes[0] != '\r') || stream.state != nullptr) return true;
    if (connection.initiator != tcp::unknownSide && connection.initiator != side) return true;
  } else if (prefix->side != side) {
    return true;
  }
  size_t before = 0;
  size_t headerLength = 0;
  if (prefix == nullptr || prefix->skip == 0) {
    ProxyHeader header;
    ProxyVerdict verdict;
    if (prefix == nullptr) {
      verdict = readProxyHeader(bytes, length, header, headerLength);
    } else {
      before = prefix->waiting.size();
      prefix->waiting.append(bytes, std::min(length, maxProxyBytes - before));
      verdict = readProxyHeader(prefix->waiting.data(), prefix->waiting.size(), header, headerLength);
    }
    if (verdict == ProxyVerdict::no) {
      if (prefix != nullptr) {
        prefix->waiting.truncate(before);
        releasePrefix(connection, stream);
      }
      return true;
    }
    if (prefix == nullptr) {
      stream.prefix = std::make_unique<Prefix>();
      prefix = stream.prefix.get();
      prefix->side = side;
      prefix->offset = offset;
      prefix->timeNs = timeNs;
      if (verdict == ProxyVerdict::needMore) prefix->waiting.append(bytes, length);
    }
    if (verdict == ProxyVerdict::needMore) return false;
    http1_.proxied(connection, stream.state, side, header);
    prefix->skip = headerLength - before;
  }
  const auto taken = static_cast<size_t>(std::min<uint64_t>(prefix->skip, length));
  prefix->skip -= taken;
  bytes += taken;
  length -= taken;
  if (prefix->skip == 0) stream.prefix.reset();
  return length != 0;
}

void ProtocolSwitch::releasePrefix(tcp::ConnectionInfo& connection, Stream& stream) {
  const std::unique_ptr<Prefix> prefix = std::move(stream.prefix);
  if (prefix->skip == 0 && !prefix->waiting.empty())
    handOn(connection, stream, prefix->side, prefix->offset, prefix->waiting.data(), prefix->waiting.size(),
           prefix->timeNs);
}

void ProtocolSwitch::recognise(tcp::ConnectionInfo& connection, Stream& stream, Protocol protocol) {
  stream.protocol = protocol;
  if (protocol == Protocol::tls) stats_.http_tlsConnections++;
  if (protocol == Protocol::http2) stats_.http_http2Connections++;
  if (protocol == Protocol::other) stats_.http_otherConnections++;
  if (stream.state != nullptr) http1_.abandon(connection, stream.state);
}

bool ProtocolSwitch::isForeign(const tcp::ConnectionInfo& connection) const {
  const auto* stream = static_cast<const Stream*>(connection.context);
  return stream != nullptr && stream->protocol > Protocol::http1;
}

void ProtocolSwitch::gap(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t, uint64_t length,
                         tcp::GapCause cause, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream != nullptr && stream->prefix != nullptr && stream->prefix->side == side) {
    // What of a header's end is missing does no harm.
    const uint64_t inside = std::min(stream->prefix->skip, length);
    stream->prefix->skip -= inside;
    length -= inside;
    if (stream->prefix->skip == 0) releasePrefix(connection, *stream);
    if (length == 0) return;
  }
  if (stream == nullptr || stream->protocol > Protocol::http1) return;
  http1_.gap(connection, stream->state, side, length, cause, timeNs);
}

void ProtocolSwitch::conflict(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length,
                              tcp::ConflictAt where) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr) connection.context = stream = acquire();
  if (stream->protocol > Protocol::http1) return;
  http1_.conflict(connection, stream->state, side, offset, length, where);
}

void ProtocolSwitch::end(tcp::ConnectionInfo& connection, tcp::Side side, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream != nullptr && stream->prefix != nullptr && stream->prefix->side == side)
    releasePrefix(connection, *stream);
  if (stream == nullptr || stream->protocol > Protocol::http1) return;
  http1_.end(connection, stream->state, side, timeNs);
}

void ProtocolSwitch::close(tcp::ConnectionInfo& connection, tcp::CloseReason reason, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr) return;
  if (stream->prefix != nullptr) releasePrefix(connection, *stream);
  if (stream->protocol <= Protocol::http1) {
    const bool recognised = http1_.recognised(stream->state);
    const uint64_t before = stats_.http_connections;
    http1_.close(connection, stream->state, reason, timeNs);
    // A head that the end cut short may have been the first thing that was understood.
    if (!recognised && stats_.http_connections == before) stats_.http_otherConnections++;
  }
  connection.context = nullptr;
  *stream = Stream{};
  stream->state = free_;
  free_ = stream;
}

}  // namespace flowtap::stream
