// A source that does what a test says, and a doorbell that can be waited for.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "conversation.h"
#include "session/doorbell.h"
#include "source/packet_source.h"

namespace flowtap::test {

/// Gives the same packets over and over, each time with another client port.
class FakeSource final : public source::PacketSource {
 public:
  struct Script {
    std::vector<Bytes> packets;
    uint64_t rounds = 1;
    bool opens = true;
    bool fails = false;         ///< in the end, instead of ending
    bool waitsForWake = false;  ///< in the end, like a silent interface
    bool startsLate =
        false;              ///< the link type is known only after a wake-up, as of a stream whose sender takes its time
    bool describes = true;  ///< has a link type at all
    uint32_t linkType = 1;
    bool holdsBack = false;  ///< packets come only after a wake-up, as from a block that the kernel has not retired
  };
  explicit FakeSource(Script script) : script_(std::move(script)) {
    if (script_.startsLate || !script_.describes) info_.linkType.clear();
    for (const Bytes& bytes : script_.packets) burst_.push_back(packetOf(bytes, script_.linkType, 1));
  }
  bool open() override {
    if (!script_.opens) error_ = {"ERR_FILE", "it does not open"};
    return script_.opens;
  }
  source::ReadStatus read(source::PacketSink& sink, int timeoutMs) override {
    if (script_.startsLate && interrupted_) info_.linkType = "EN10MB";
    if (round_ < script_.rounds && (!script_.holdsBack || interrupted_)) {
      round_++;
      for (Bytes& packet : script_.packets) {
        constexpr size_t sourcePort = 14 + 20, destinationPort = sourcePort + 2;
        const bool fromServer = packet[sourcePort] == 0 && packet[sourcePort + 1] == 80;
        put16(packet, fromServer ? destinationPort : sourcePort, 1024 + round_ % 60000);
      }
      sink.packets(burst_.data(), burst_.size());
      return source::ReadStatus::packets;
    }
    if (script_.waitsForWake) {
      std::unique_lock lock(mutex_);
      const bool woken = wake_.wait_for(lock, std::chrono::milliseconds(timeoutMs), [this] { return woken_; });
      woken_ = false;
      interrupted_ = interrupted_ || woken;
      return woken ? source::ReadStatus::interrupted : source::ReadStatus::idle;
    }
    if (!script_.fails) return source::ReadStatus::end;
    error_ = {"ERR_FILE", "it is damaged"};
    return source::ReadStatus::failed;
  }
  void wake() override {
    std::lock_guard lock(mutex_);
    woken_ = true;
    wake_.notify_all();
  }
  const source::SourceInfo& info() const override { return info_; }
  source::SourceCounters counters() override { return {.kernelReceived = round_}; }
  const source::Error& error() const override { return error_; }

 private:
  Script script_;
  std::vector<source::Packet> burst_;
  uint64_t round_ = 0;
  source::SourceInfo info_{.interface = "fake0", .linkType = "EN10MB", .filter = "", .snaplen = 1};
  source::Error error_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool interrupted_ = false;
};

class Bell final : public session::Doorbell {
 public:
  void ring() override {
    std::lock_guard lock(mutex_);
    rings_++;
    rung_.notify_all();
  }
  void wait(uint64_t rings) {
    std::unique_lock lock(mutex_);
    rung_.wait(lock, [&] { return rings_ >= rings; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable rung_;
  uint64_t rings_ = 0;
};

inline FakeSource::Script oneExchange() {
  Conversation conversation;
  conversation.client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  conversation.finish();
  FakeSource::Script script;
  script.packets = conversation.packets();
  return script;
}

}  // namespace flowtap::test
