// Sits between reassembly and the protocols: hands each connection to the protocol that it carries.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "stats.h"
#include "stream/protocol.h"
#include "stream/protocol_handler.h"
#include "tcp/stream_listener.h"

namespace flowtap::stream {

class ProtocolSwitch final : public tcp::StreamListener {
 public:
  ProtocolSwitch(ProtocolHandler& http1, Stats& stats);
  ~ProtocolSwitch() override;
  ProtocolSwitch(const ProtocolSwitch&) = delete;
  ProtocolSwitch& operator=(const ProtocolSwitch&) = delete;

  void open(tcp::ConnectionInfo& connection, int64_t timeNs) override;
  void data(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, const uint8_t* bytes, size_t length,
            int64_t timeNs) override;
  void gap(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length, tcp::GapCause cause,
           int64_t timeNs) override;
  void conflict(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length,
                tcp::ConflictAt where) override;
  void end(tcp::ConnectionInfo& connection, tcp::Side side, int64_t timeNs) override;
  void close(tcp::ConnectionInfo& connection, tcp::CloseReason reason, int64_t timeNs) override;
  /// Of an open connection: it carries what no handler knows.
  bool isForeign(const tcp::ConnectionInfo& connection) const;

 private:
  struct Stream;
  struct Prefix;
  /// Takes a PROXY header away from the front of the bytes. False when nothing of them is left, or they must wait.
  bool passProxyHeader(tcp::ConnectionInfo& connection, Stream& stream, tcp::Side side, uint64_t offset,
                       const uint8_t*& bytes, size_t& length, int64_t timeNs);
  void handOn(tcp::ConnectionInfo& connection, Stream& stream, tcp::Side side, uint64_t offset, const uint8_t* bytes,
              size_t length, int64_t timeNs);
  /// What the next bytes of a side tell of the protocol.
  static Protocol detect(Stream& stream, tcp::Side side, const uint8_t* bytes, size_t length);
  /// It was no PROXY header: hands on what waited, if anything.
  void releasePrefix(tcp::ConnectionInfo& connection, Stream& stream);
  Stream* acquire();
  void recognise(tcp::ConnectionInfo& connection, Stream& stream, Protocol protocol);

  ProtocolHandler& http1_;
  Stats& stats_;
  Stream* free_ = nullptr;
  std::vector<Stream*> slabs_;
};

}  // namespace flowtap::stream
