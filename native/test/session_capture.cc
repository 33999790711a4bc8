// The thread, its doorbell, stopping and closing. Runs under ThreadSanitizer too.
#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "conversation.h"
#include "session/session.h"
#include "session_fixture.h"

using namespace flowtap;
using namespace flowtap::session;
using test::Bell;
using test::FakeSource;
using test::oneExchange;

namespace {

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

TEST_CASE("session: the consumer of a file is called when several batches wait, or there is no room for more") {
  FakeSource::Script script = oneExchange();
  script.rounds = 5000;
  SessionOptions options;
  options.lowLatency = false;
  options.waitsForBegin = true;
  size_t atLeast = 4;
  SUBCASE("several") {}
  SUBCASE("no room") {
    options.maxQueuedBytes = 1;
    atLeast = 1;
  }
  Consumer consumer(script, options);
  while (consumer.session.state().phase != Phase::capturing) std::this_thread::yield();
  REQUIRE(consumer.session.park());
  consumer.session.begin(false);
  consumer.bell.wait(++consumer.parks);
  uint64_t messages = 0;
  for (size_t i = 0; i < atLeast; i++) {
    const auto batch = consumer.session.take();
    REQUIRE(batch != nullptr);
    messages += batch->records.size();
  }
  CHECK(messages + consumer.drain() == 10000);
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
