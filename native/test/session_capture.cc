// The thread, its doorbell, stopping and closing. Runs under ThreadSanitizer too.
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "conversation.h"
#include "session/session.h"

using namespace flowtap;
using namespace flowtap::session;

namespace {

/// Gives the same packets over and over, each time with another client port.
class FakeSource final : public source::PacketSource {
 public:
  struct Script {
    std::vector<test::Bytes> packets;
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
    for (const test::Bytes& bytes : script_.packets) burst_.push_back(test::packetOf(bytes, script_.linkType, 1));
  }
  bool open() override {
    if (!script_.opens) error_ = {"ERR_FILE", "it does not open"};
    return script_.opens;
  }
  source::ReadStatus read(source::PacketSink& sink, int timeoutMs) override {
    if (script_.startsLate && interrupted_) info_.linkType = "EN10MB";
    if (round_ < script_.rounds && (!script_.holdsBack || interrupted_)) {
      round_++;
      for (test::Bytes& packet : script_.packets) {
        constexpr size_t sourcePort = 14 + 20, destinationPort = sourcePort + 2;
        const bool fromServer = packet[sourcePort] == 0 && packet[sourcePort + 1] == 80;
        test::put16(packet, fromServer ? destinationPort : sourcePort, 1024 + round_ % 60000);
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

class Bell final : public Doorbell {
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

struct Consumer {
  Consumer(FakeSource::Script script, SessionOptions options = {})
      : session(options, std::make_unique<FakeSource>(std::move(script)), bell) {}

  /// Waits until there is something new, as JavaScript does.
  void await() {
    if (!session.park()) return;
    parks++;
    bell.wait(parks);
  }
  uint64_t drain() {
    uint64_t messages = 0;
    for (;;) {
      while (auto batch = session.take()) {
        messages += batch->records.size();
        session.recycle(std::move(batch));
      }
      if (session.state().phase == Phase::ended) {
        while (auto batch = session.take()) messages += batch->records.size();
        return messages;
      }
      await();
    }
  }

  Bell bell;
  uint64_t parks = 0;
  Session session;
};

FakeSource::Script oneExchange() {
  test::Conversation conversation;
  conversation.client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  conversation.finish();
  FakeSource::Script script;
  script.packets = conversation.packets();
  return script;
}

}  // namespace

TEST_CASE("session: reads to the end and drains") {
  FakeSource::Script script = oneExchange();
  script.rounds = 5000;
  Consumer consumer(script);
  CHECK(consumer.drain() == 10000);
  CHECK_FALSE(consumer.session.state().error);
  CHECK(consumer.session.state().info.interface == "fake0");
  CHECK(consumer.session.stats().delivery_messagesDelivered == 10000);
  CHECK(consumer.session.stats().packets_kernelReceived == 5000);
}

TEST_CASE("session: a small mailbox makes a file wait, and loses nothing") {
  FakeSource::Script script = oneExchange();
  script.rounds = 5000;
  SessionOptions options;
  options.maxQueuedBytes = 1;
  Consumer consumer(script, options);
  CHECK(consumer.drain() == 10000);
  CHECK(consumer.session.stats().delivery_messagesDropped == 0);
}

TEST_CASE("session: failures come after what was captured") {
  SUBCASE("to open") {
    FakeSource::Script script;
    script.opens = false;
    Consumer consumer(script);
    CHECK(consumer.drain() == 0);
    CHECK(consumer.session.state().error.code == "ERR_FILE");
    CHECK_FALSE(consumer.session.state().hasInfo);
  }
  SUBCASE("to read on") {
    FakeSource::Script script = oneExchange();
    script.fails = true;
    Consumer consumer(script);
    CHECK(consumer.drain() == 2);
    CHECK(consumer.session.state().error.message == "it is damaged");
  }
}

TEST_CASE("session: messages of a silent source come without being asked for") {
  FakeSource::Script script = oneExchange();
  script.waitsForWake = true;
  Consumer consumer(script);
  uint64_t messages = 0;
  while (messages < 2) {
    while (auto batch = consumer.session.take()) messages += batch->records.size();
    consumer.session.state();
    if (messages < 2) consumer.await();
  }
  consumer.session.stop();
  CHECK(consumer.drain() == 0);
  CHECK_FALSE(consumer.session.state().error);
}

TEST_CASE("session: stop finishes what is open") {
  test::Conversation conversation;
  conversation.client("GET / HTTP/1.1\r\n\r\n");
  conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
  FakeSource::Script script;
  script.packets = conversation.packets();
  script.waitsForWake = true;
  Consumer consumer(script);
  while (consumer.session.take() == nullptr) {
    consumer.session.state();
    consumer.await();
  }
  consumer.session.stop();
  consumer.session.stop();
  CHECK(consumer.drain() == 1);
}

TEST_CASE("session: what a live source still holds when it is stopped is delivered") {
  FakeSource::Script script = oneExchange();
  script.waitsForWake = true;
  script.holdsBack = true;
  SessionOptions options;
  options.live = true;
  Consumer consumer(script, options);
  consumer.session.stop();
  CHECK(consumer.drain() == 2);
}

TEST_CASE("session: close at any time joins and gives nothing more") {
  for (int delay = 0; delay < 60; delay++) {
    FakeSource::Script script = oneExchange();
    script.rounds = 1'000'000;
    SessionOptions options;
    options.maxQueuedBytes = delay % 2 == 0 ? 1 : 1u << 20;
    Consumer consumer(script, options);
    for (int i = 0; i < delay; i++) {
      consumer.session.take();
      consumer.session.state();
      if (delay % 3 == 0) consumer.session.park();
    }
    consumer.session.close();
    CHECK(consumer.session.take() == nullptr);
    CHECK(consumer.session.state().phase == Phase::ended);
    consumer.session.close();
  }
}

TEST_CASE("session: captures once the link type is known") {
  FakeSource::Script script;
  script.rounds = 0;
  script.waitsForWake = true;
  script.startsLate = true;
  auto owned = std::make_unique<FakeSource>(script);
  FakeSource& source = *owned;
  Bell bell;
  Session session(SessionOptions{}, std::move(owned), bell);
  REQUIRE(session.park());
  CHECK(session.state().phase == Phase::opening);
  CHECK_FALSE(session.state().hasInfo);
  source.wake();
  bell.wait(1);
  const State state = session.state();
  CHECK(state.phase == Phase::capturing);
  CHECK(state.hasInfo);
  CHECK(state.info.linkType == "EN10MB");
}

TEST_CASE("session: stopped before the link type is known") {
  FakeSource::Script script;
  script.rounds = 0;
  script.waitsForWake = true;
  script.describes = false;
  Consumer consumer(script);
  consumer.session.stop();
  CHECK(consumer.drain() == 0);
  CHECK_FALSE(consumer.session.state().hasInfo);
  CHECK_FALSE(consumer.session.state().error);
}

TEST_CASE("session: an input that ends without a link type was captured all the same") {
  FakeSource::Script script;
  script.rounds = 0;
  script.describes = false;
  Consumer consumer(script);
  CHECK(consumer.drain() == 0);
  CHECK(consumer.session.state().hasInfo);
  CHECK(consumer.session.state().info.linkType.empty());
}

TEST_CASE("session: the first packet of an unsupported link type is news") {
  FakeSource::Script script = oneExchange();
  script.linkType = 220;
  script.waitsForWake = true;
  Consumer consumer(script);
  const size_t packets = script.packets.size();
  State state = consumer.session.state();
  while (state.unsupportedLinkTypes.empty()) {
    consumer.await();
    state = consumer.session.state();
  }
  consumer.session.stop();
  consumer.drain();
  state = consumer.session.state();
  REQUIRE(state.unsupportedLinkTypes.size() == 1);
  CHECK(state.unsupportedLinkTypes[0].linkType == 220);
  CHECK(state.unsupportedLinkTypes[0].packets == packets);
}

TEST_CASE("session: packets that came before their endpoint was followed are not lost") {
  FakeSource::Script script = oneExchange();
  const size_t packets = script.packets.size();
  script.waitsForWake = true;
  SessionOptions options;
  options.live = true;
  options.pipeline.followed = std::make_shared<decode::EndpointSet>(std::vector<decode::Endpoint>{});
  Consumer consumer(script, options);
  while (consumer.session.stats().tcp_notSelected < packets) std::this_thread::yield();
  const uint8_t server[4] = {198, 51, 100, 2};
  consumer.session.follow(
      std::make_shared<decode::EndpointSet>(std::vector<decode::Endpoint>{{decode::Address::fromV4(server), 80}}));
  SUBCASE("nor when the capture is stopped at once") {}
  SUBCASE("and come while it goes on") {
    while (consumer.session.stats().tcp_segments < packets) std::this_thread::yield();
  }
  consumer.session.stop();
  CHECK(consumer.drain() == 2);
  CHECK(consumer.session.stats().tcp_segments == packets);
  CHECK(consumer.session.stats().tcp_notSelected == 0);
}

TEST_CASE("session: following after the end does nothing") {
  Consumer consumer(oneExchange());
  consumer.session.close();
  consumer.session.follow(std::make_shared<decode::EndpointSet>(std::vector<decode::Endpoint>{}));
}
