// Stand between two stages, pass everything on, and tell a recorder what it needs to know of it.
#pragma once

#include "http/message_sink.h"
#include "recording/recorder.h"
#include "stream/protocol_switch.h"
#include "tcp/stream_listener.h"

namespace flowtap::recording {

/// Of what reassembly tells.
class ConnectionObserver final : public tcp::StreamListener {
 public:
  /// @param protocols the same as `next`; null: what connections carry does not matter, and all of them are wanted
  ConnectionObserver(tcp::StreamListener& next, const stream::ProtocolSwitch* protocols, Recorder& recorder)
      : next_(next), protocols_(protocols), recorder_(recorder) {}

  void open(tcp::ConnectionInfo& connection, int64_t timeNs) override {
    recorder_.opened(connection.id);
    if (protocols_ == nullptr) recorder_.wanted(connection.id);
    next_.open(connection, timeNs);
  }
  void data(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, const uint8_t* bytes, size_t length,
            int64_t timeNs) override {
    next_.data(connection, side, offset, bytes, length, timeNs);
    if (protocols_ != nullptr && protocols_->isForeign(connection)) recorder_.unwanted(connection.id);
  }
  void gap(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length, tcp::GapCause cause,
           int64_t timeNs) override {
    next_.gap(connection, side, offset, length, cause, timeNs);
  }
  void conflict(tcp::ConnectionInfo& connection, tcp::Side side, uint64_t offset, uint64_t length,
                tcp::ConflictAt where) override {
    next_.conflict(connection, side, offset, length, where);
  }
  void end(tcp::ConnectionInfo& connection, tcp::Side side, int64_t timeNs) override {
    next_.end(connection, side, timeNs);
  }
  void close(tcp::ConnectionInfo& connection, tcp::CloseReason reason, int64_t timeNs) override {
    next_.close(connection, reason, timeNs);
    recorder_.closed(connection.id);
  }

 private:
  tcp::StreamListener& next_;
  const stream::ProtocolSwitch* protocols_;
  Recorder& recorder_;
};

/// Of the messages that are delivered.
class MessageObserver final : public http::MessageSink {
 public:
  MessageObserver(http::MessageSink& next, Recorder& recorder) : next_(next), recorder_(recorder) {}

  void deliver(http::Connection& connection, http::Message& message, uint64_t requestId) override {
    next_.deliver(connection, message, requestId);
    recorder_.delivered(connection.info->id, message.id, message.dropped);
  }
  void body(http::Message& message, const uint8_t* bytes, size_t length) override {
    next_.body(message, bytes, length);
  }
  void bodyGap(http::Message& message, uint64_t length) override { next_.bodyGap(message, length); }
  void finish(http::Message& message) override { next_.finish(message); }
  void unanswered(uint64_t requestId, http::NoResponse reason, int64_t timeNs) override {
    next_.unanswered(requestId, reason, timeNs);
  }

 private:
  http::MessageSink& next_;
  Recorder& recorder_;
};

}  // namespace flowtap::recording
