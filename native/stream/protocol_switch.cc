#include "stream/protocol_switch.h"

namespace flowtap::stream {

struct ProtocolSwitch::Stream {
  void* state = nullptr;  ///< the handler's; the next free one while unused
  Protocol protocol = Protocol::undetermined;
  Detector detector[2];
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
  *stream = Stream{};
  return stream;
}

void ProtocolSwitch::open(tcp::ConnectionInfo& connection, int64_t) { connection.context = nullptr; }

void ProtocolSwitch::data(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, const uint8_t* bytes,
                          size_t length, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr) connection.context = stream = acquire();
  if (stream->protocol == Protocol::undetermined && !stream->detector[side].finished()) {
    const Protocol protocol = stream->detector[side].feed(bytes, length);
    if (protocol != Protocol::undetermined && !http1_.recognised(stream->state)) {
      recognise(connection, *stream, protocol);
      return;
    }
  }
  if (stream->protocol > Protocol::http1) return;
  http1_.data(connection, stream->state, side, offset, bytes, length, timeNs);
}

void ProtocolSwitch::recognise(tcp::ConnectionInfo& connection, Stream& stream, Protocol protocol) {
  stream.protocol = protocol;
  if (protocol == Protocol::tls) stats_.http_tlsConnections++;
  if (protocol == Protocol::http2) stats_.http_http2Connections++;
  if (stream.state != nullptr) http1_.abandon(connection, stream.state);
}

void ProtocolSwitch::gap(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t, uint64_t length,
                         tcp::GapCause cause, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr || stream->protocol > Protocol::http1) return;
  http1_.gap(connection, stream->state, side, length, cause, timeNs);
}

void ProtocolSwitch::conflict(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t, uint64_t) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr || stream->protocol > Protocol::http1) return;
  http1_.conflict(connection, stream->state, side);
}

void ProtocolSwitch::end(tcp::ConnectionInfo& connection, tcp::Side side, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr || stream->protocol > Protocol::http1) return;
  http1_.end(connection, stream->state, side, timeNs);
}

void ProtocolSwitch::close(tcp::ConnectionInfo& connection, tcp::CloseReason reason, int64_t timeNs) {
  auto* stream = static_cast<Stream*>(connection.context);
  if (stream == nullptr) return;
  if (stream->protocol <= Protocol::http1) {
    if (!http1_.recognised(stream->state)) stats_.http_otherConnections++;
    http1_.close(connection, stream->state, reason, timeNs);
  }
  connection.context = nullptr;
  stream->state = free_;
  free_ = stream;
}

}  // namespace flowtap::stream
