// Several sessions behind one doorbell. Runs under ThreadSanitizer too.
#include "session/session_group.h"

#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "delivery/record.h"
#include "session_fixture.h"

using namespace flowtap;
using namespace flowtap::session;
using test::Bell;
using test::FakeSource;
using test::oneExchange;

namespace {

constexpr size_t packetsOfExchange = 8;

/// `workers` of the same packets; each script is one source.
std::vector<SessionGroup::Member> members(const std::vector<FakeSource::Script>& scripts, uint32_t workers,
                                          SessionOptions options = {}) {
  const auto count = static_cast<uint32_t>(scripts.size()) * workers;
  std::vector<SessionGroup::Member> result;
  for (uint32_t i = 0; i < count; i++) {
    options.pipeline.share = {i % workers, workers};
    options.pipeline.numbering = {i, count};
    result.push_back({options, std::make_unique<FakeSource>(scripts[i / workers])});
  }
  return result;
}

struct Consumer {
  Consumer(const std::vector<FakeSource::Script>& scripts, uint32_t workers, const SessionOptions& options = {})
      : group(members(scripts, workers, options), bell) {}

  void await() {
    if (!group.park()) return;
    parks++;
    bell.wait(parks);
  }
  void take() {
    while (auto batch = group.take()) {
      for (const delivery::Record& record : batch->records.as<delivery::Record>())
        CHECK_MESSAGE(ids.insert(record.id).second, "twice: " << record.id);
      group.recycle(std::move(batch));
    }
  }
  uint64_t drain() {
    for (;;) {
      take();
      if (group.state().phase == Phase::ended) {
        take();
        return ids.size();
      }
      await();
    }
  }

  Bell bell;
  uint64_t parks = 0;
  std::set<double> ids;
  SessionGroup group;
};

}  // namespace

TEST_CASE("session group: workers share the connections, and every packet counts once") {
  FakeSource::Script script = oneExchange();
  REQUIRE(script.packets.size() == packetsOfExchange);
  script.rounds = 3000;
  for (const uint32_t workers : {1u, 2u, 3u}) {
    CAPTURE(workers);
    Consumer consumer({script}, workers);
    CHECK(consumer.drain() == 6000);
    const Stats stats = consumer.group.stats();
    CHECK(stats.packets_received == 3000 * packetsOfExchange);
    CHECK(stats.packets_decoded == 3000 * packetsOfExchange);
    CHECK(stats.tcp_segments == 3000 * packetsOfExchange);
    CHECK(stats.tcp_connectionsOpened == 3000);
    CHECK(stats.delivery_messagesDelivered == 6000);
    const State state = consumer.group.state();
    CHECK_FALSE(state.error);
    CHECK(state.info.interface == "fake0");
  }
}

TEST_CASE("session group: several sources are several captures") {
  FakeSource::Script script = oneExchange();
  script.rounds = 500;
  Consumer consumer({script, script}, 2);
  CHECK(consumer.drain() == 2000);
  CHECK(consumer.group.stats().packets_received == 1000 * packetsOfExchange);
  CHECK(consumer.group.state().info.interface == "fake0, fake0");
}

TEST_CASE("session group: small mailboxes lose nothing") {
  FakeSource::Script script = oneExchange();
  script.rounds = 3000;
  SessionOptions options;
  options.maxQueuedBytes = 1;
  Consumer consumer({script}, 3, options);
  CHECK(consumer.drain() == 6000);
}

TEST_CASE("session group: what comes after a while rings") {
  FakeSource::Script script = oneExchange();
  script.waitsForWake = true;
  Consumer consumer({script, script}, 1);
  while (consumer.ids.size() < 4) {
    consumer.take();
    consumer.group.state();
    if (consumer.ids.size() < 4) consumer.await();
  }
  CHECK(consumer.group.state().phase == Phase::capturing);
  consumer.group.stop();
  CHECK(consumer.drain() == 4);
}

TEST_CASE("session group: a member that does not open is the failure of all") {
  FakeSource::Script silent = oneExchange();
  silent.waitsForWake = true;
  FakeSource::Script broken;
  broken.opens = false;
  SessionOptions options;
  options.live = true;
  for (const bool first : {true, false}) {
    Consumer consumer(first ? std::vector{broken, silent} : std::vector{silent, broken}, 1, options);
    consumer.drain();
    const State state = consumer.group.state();
    CHECK(state.error.code == "ERR_FILE");
    CHECK_FALSE(state.hasInfo);
  }
}

TEST_CASE("session group: damage of a file is told when everything before it was delivered") {
  FakeSource::Script script = oneExchange();
  script.rounds = 2000;
  script.fails = true;
  Consumer consumer({script}, 3);
  CHECK(consumer.drain() == 4000);
  CHECK(consumer.group.state().error.message == "it is damaged");
}

TEST_CASE("session group: close at any time joins and gives nothing more") {
  for (int delay = 0; delay < 60; delay++) {
    FakeSource::Script script = oneExchange();
    script.rounds = 1'000'000;
    SessionOptions options;
    options.maxQueuedBytes = delay % 2 == 0 ? 1 : 1u << 20;
    Consumer consumer({script}, 3, options);
    for (int i = 0; i < delay; i++) {
      if (auto batch = consumer.group.take()) consumer.group.recycle(std::move(batch));
      consumer.group.state();
      if (delay % 3 == 0) consumer.group.park();
    }
    consumer.group.close();
    CHECK(consumer.group.take() == nullptr);
    CHECK(consumer.group.state().phase == Phase::ended);
    consumer.group.close();
  }
}
