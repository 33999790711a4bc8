#include <doctest/doctest.h>
#include <sys/stat.h>

#include <random>

#include "recording/recorder.h"
#include "recording_fixture.h"

using namespace flowtap;
using namespace flowtap::recording;
using namespace flowtap::recording::test;

namespace {

using Texts = std::vector<std::string>;

struct Bench {
  explicit Bench(uint64_t maxSpoolBytes = 1u << 20, const std::string& path = "", const std::string& spool = "")
      : recorder({{path.empty() ? folder.file() : path, false, "eth0", 65535},
                  spool.empty() ? folder.path() : spool,
                  maxSpoolBytes},
                 stats) {}

  void add(Key key, const std::string& bytes, int64_t timeNs = 0) {
    recorder.packet(Sample{bytes, 1, 0, timeNs}.packet(), key);
  }
  Texts finish() {
    recorder.finish();
    CHECK_FALSE(recorder.error());
    CHECK(stats.write_waitingBytes == 0);
    return textsOf(folder.file());
  }

  Folder folder;
  Stats stats;
  Recorder recorder;
};

}  // namespace

TEST_CASE("packets of wanted connections are written in the order in which they came") {
  Bench bench;
  REQUIRE(bench.recorder.open(false));
  for (const Key key : {1, 2, 3}) bench.recorder.opened(key);
  bench.add(1, "a1");
  bench.add(2, "b1");
  bench.add(3, "c1");
  bench.recorder.wanted(2);
  bench.add(2, "b2");
  bench.add(1, "a2");
  bench.recorder.pause(0);
  CHECK(textsOf(bench.folder.file()).empty());
  bench.recorder.closed(1);
  bench.recorder.pause(0);
  // c1 is undecided: what comes behind it waits.
  CHECK(textsOf(bench.folder.file()) == Texts{"b1"});
  bench.recorder.wanted(3);
  bench.add(1, "late");
  bench.add(2, "b3");
  bench.recorder.closed(2);
  bench.add(2, "b4, late");
  bench.add(7, "of nobody");
  CHECK(bench.finish() == Texts{"b1", "c1", "b2", "b3", "b4, late"});
  CHECK(bench.stats.write_packets == 5);
  CHECK(bench.stats.write_bytes == 2 + 2 + 2 + 2 + 8);
  CHECK(bench.stats.write_connections == 2);
  CHECK(bench.stats.write_packetsLetGo == 0);
}

TEST_CASE("a packet keeps its time, lengths, link type and interface") {
  Bench bench;
  REQUIRE(bench.recorder.open(false));
  bench.recorder.opened(1);
  bench.recorder.wanted(1);
  std::vector<Sample> samples = {{"one", 1, 0, 1'668'229'140'123'456'789, 0},
                                 {"", 1, 0, 0, 70},
                                 {"three", 276, 5, 1, 1},
                                 {"four", 101, 5, source::maxTimestampNs, 0},
                                 {std::string(200'000, 'x'), 1, 0, 2, 0}};
  for (const Sample& sample : samples) bench.recorder.packet(sample.packet(), 1);
  bench.recorder.finish();
  // In the order in which they came.
  for (size_t i = 0; i < samples.size(); i++) samples[i].interfaceId = i == 2 ? 1 : i == 3 ? 2 : 0;
  CHECK(packetsOf(bench.folder.file()) == samples);
  struct stat about;
  REQUIRE(stat(bench.folder.file().c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
}

TEST_CASE("the consumer decides") {
  Bench bench;
  REQUIRE(bench.recorder.open(true));
  for (const Key key : {1, 2}) bench.recorder.opened(key);
  bench.add(1, "a");
  bench.add(2, "b");
  bench.recorder.delivered(1, 1, false);
  bench.recorder.delivered(2, 2, false);
  bench.recorder.closed(1);
  bench.recorder.closed(2);
  CHECK(bench.recorder.awaitsConsumer());
  SUBCASE("in time") {
    bench.recorder.decide({2}, 2);
    CHECK_FALSE(bench.recorder.awaitsConsumer());
    CHECK(bench.finish() == Texts{"b"});
    CHECK(bench.stats.write_packetsLetGo == 0);
  }
  SUBCASE("too late") {
    bench.recorder.decide({}, 1);
    CHECK(bench.finish() == Texts{});
    CHECK(bench.stats.write_packetsLetGo == 0);
  }
}

TEST_CASE("a match that the consumer was too slow for is wanted once the consumer is past it") {
  for (const bool selects : {false, true}) {
    Bench bench;
    REQUIRE(bench.recorder.open(selects));
    for (const Key key : {1, 2, 3}) {
      bench.recorder.opened(key);
      bench.add(key, std::to_string(key));
    }
    bench.recorder.delivered(1, 1, true);
    bench.recorder.delivered(2, 2, false);
    bench.recorder.delivered(3, 3, true);
    for (const Key key : {1, 2, 3}) bench.recorder.closed(key);
    CHECK(bench.recorder.awaitsConsumer());
    Texts expected;
    SUBCASE("to the end") {
      bench.recorder.decide({}, 2);
      if (!selects) expected = {"1", "3"};
    }
    SUBCASE("and not if it ends before") {}
    CHECK(bench.finish() == expected);
    CHECK(bench.stats.write_packetsLetGo == 0);
  }
}

TEST_CASE("a match that could not wait for the consumer is written") {
  Bench bench;
  REQUIRE(bench.recorder.open(false));
  bench.recorder.opened(1);
  bench.recorder.delivered(1, 1, false);
  for (int i = 0; i < 20; i++) bench.add(1, std::string(100'000, 'm'));
  CHECK(bench.stats.write_packets == 10);
  CHECK(bench.stats.write_packetsLetGo == 0);
  CHECK(bench.finish().size() == 10);
}

TEST_CASE("beyond the cap the oldest go: those that are wanted into the file, others are counted") {
  Bench bench(1u << 20);
  REQUIRE(bench.recorder.open(false));
  for (const Key key : {1, 2, 3}) bench.recorder.opened(key);
  bench.recorder.wanted(2);
  constexpr size_t length = 1000;
  constexpr int rounds = 5000;
  for (int i = 0; i < rounds; i++) {
    bench.add(1, std::string(length, 'u'));
    bench.add(2, std::string(length, 'w'));
    REQUIRE(bench.stats.write_waitingBytes <= 1u << 20);
  }
  // Too late for what was let go, in time for the rest.
  bench.recorder.wanted(1);
  size_t wanted = 0;
  size_t late = 0;
  for (const std::string& text : bench.finish()) (text[0] == 'w' ? wanted : late)++;
  CHECK(wanted == rounds);
  CHECK(late > 400);
  CHECK(late + bench.stats.write_packetsLetGo == rounds);
  CHECK(bench.stats.write_bytesLetGo == bench.stats.write_packetsLetGo * length);
}

TEST_CASE("any order of decisions gives the same file") {
  for (unsigned seed = 0; seed < 6; seed++) {
    std::mt19937 random(seed);
    Bench bench(256u << 20);
    REQUIRE(bench.recorder.open(false));
    constexpr Key connections = 20;
    bool wanted[connections + 1];
    bool decided[connections + 1] = {};
    for (Key key = 1; key <= connections; key++) {
      wanted[key] = random() % 2 == 0;
      bench.recorder.opened(key);
    }
    Texts expected;
    // Some do not fit the blocks of the spool that are in memory.
    const size_t largest = seed == 0 ? 60'000 : 200;
    for (int i = 0; i < 1000; i++) {
      const Key key = 1 + random() % connections;
      std::string bytes = std::to_string(i) + std::string(random() % largest, '.');
      bench.add(key, bytes);
      if (wanted[key]) expected.push_back(std::move(bytes));
      if (random() % 100 == 0 && !decided[key]) {
        decided[key] = true;
        if (wanted[key])
          bench.recorder.wanted(key);
        else
          bench.recorder.unwanted(key);
      }
      if (random() % 10 == 0) bench.recorder.settle();
    }
    for (Key key = 1; key <= connections; key++)
      if (wanted[key]) bench.recorder.wanted(key);
    CHECK(bench.finish() == expected);
    CHECK(bench.stats.write_packets == expected.size());
  }
}

TEST_CASE("fragments go with their datagram") {
  Bench bench;
  REQUIRE(bench.recorder.open(false));
  bench.recorder.opened(1);
  bench.add(key::datagram(1), "first fragment");
  bench.add(key::datagram(2), "of a datagram that is nobody's");
  bench.add(1, "last fragment");
  bench.recorder.join(key::datagram(1), 1);
  bench.recorder.join(key::datagram(2), 0);
  bench.recorder.wanted(1);
  CHECK(bench.finish() == Texts{"first fragment", "last fragment"});
  CHECK(bench.stats.write_connections == 1);
}

TEST_CASE("a datagram that never becomes complete is in nobody's way for long") {
  Bench bench;
  REQUIRE(bench.recorder.open(false));
  bench.recorder.opened(1);
  bench.recorder.wanted(1);
  bench.add(key::datagram(1), "fragment", 1);
  bench.add(1, "a", 2);
  bench.recorder.pause(2 + Ledger::provisionalNs);
  CHECK(textsOf(bench.folder.file()) == Texts{"a"});
  CHECK(bench.finish() == Texts{"a"});
  CHECK(bench.stats.write_packetsLetGo == 0);
}

TEST_CASE("a capture without packets leaves a file without packets") {
  Bench bench;
  REQUIRE(bench.recorder.open(false));
  CHECK(bench.finish().empty());
}

TEST_CASE("a file that exists is not touched") {
  Bench bench;
  std::ofstream(bench.folder.file()) << "dear";
  CHECK_FALSE(bench.recorder.open(false));
  CHECK(bench.recorder.error().code == "ERR_FILE");
  CHECK(bench.recorder.error().message.find(bench.folder.file()) != std::string::npos);
  bench.add(1, "a");
  bench.recorder.finish();
  CHECK(contentsOf(bench.folder.file()) == "dear");
}

TEST_CASE("what cannot be a file is an error") {
  for (const char* path : {"/nowhere/out.pcapng", "/tmp"}) {
    Bench bench(1u << 20, path);
    CHECK_FALSE(bench.recorder.open(false));
    CHECK(bench.recorder.error().code == "ERR_FILE");
  }
  Bench bench;
  REQUIRE(mkfifo(bench.folder.file().c_str(), 0600) == 0);
  Stats stats;
  Recorder recorder({{bench.folder.file(), true, "", 0}, bench.folder.path(), 1u << 20}, stats);
  CHECK_FALSE(recorder.open(false));
}

TEST_CASE("a full disk ends the recording, and nothing else") {
  Stats stats;
  Recorder recorder({{"/dev/full", true, "", 0}, "/tmp", 1u << 20}, stats);
  REQUIRE(recorder.open(false));
  recorder.opened(1);
  recorder.wanted(1);
  const std::string bytes(10'000, 'x');
  for (int i = 0; i < 100; i++) recorder.packet(Sample{bytes}.packet(), 1);
  CHECK(recorder.error().code == "ERR_FILE");
  CHECK_FALSE(recorder.awaitsConsumer());
  recorder.settle();
  recorder.finish();
  CHECK(stats.write_waitingBytes == 0);
}

TEST_CASE("a spool that cannot be kept ends the recording; what was written stays") {
  Bench bench(64u << 20, "", "/nowhere");
  REQUIRE(bench.recorder.open(false));
  bench.recorder.opened(1);
  bench.recorder.opened(2);
  bench.recorder.wanted(1);
  bench.add(1, "a");
  const std::string bytes(100'000, 'x');
  for (int i = 0; i < 200; i++) bench.add(2, bytes);
  CHECK(bench.recorder.error().code == "ERR_FILE");
  CHECK(bench.recorder.error().message.find("/nowhere") != std::string::npos);
  bench.recorder.finish();
  CHECK(textsOf(bench.folder.file()) == Texts{"a"});
}
