// One file after the other.
#include <doctest/doctest.h>

#include "recording/recorder.h"
#include "recording_fixture.h"

using namespace flowtap;
using namespace flowtap::recording;
using namespace flowtap::recording::test;

namespace {

using Texts = std::vector<std::string>;

struct Bench {
  explicit Bench(const OutputRotation& rotation, bool replace = false)
      : recorder({{"", replace, "eth0", 65535, inFolder(rotation)}, folder.path(), 1u << 20}, stats) {
    recorder.opened(1);
    recorder.wanted(1);
  }
  ~Bench() {
    for (uint64_t number = 1; number < 20; number++) ::unlink(path(number).c_str());
  }

  OutputRotation inFolder(OutputRotation rotation) const {
    rotation.stem = folder.path() + "/day";
    rotation.ending = ".pcapng";
    return rotation;
  }
  std::string path(uint64_t number) const {
    return folder.path() + "/day-" + std::string(number < 10 ? "000" : "00") + std::to_string(number) + ".pcapng";
  }
  bool add(const Sample& sample) {
    recorder.packet(sample.packet(), 1);
    return !recorder.error();
  }

  Folder folder;
  Stats stats;
  Recorder recorder;
};

}  // namespace

TEST_CASE("files that are whole: each has a section and the interfaces of its packets") {
  OutputRotation rotation;
  rotation.firstNumber = 9;
  rotation.bytes = 1;
  Bench bench(rotation);
  REQUIRE(bench.recorder.open(false));
  bench.add({"one", 1, 0, 10});
  bench.add({"two", 101, 5, 20});
  CHECK(bench.recorder.files() == 2);
  CHECK(bench.recorder.finishedFiles() == 1);
  bench.add({"three", 1, 0, 30});
  bench.recorder.finish();
  CHECK_FALSE(bench.recorder.error());
  CHECK(bench.recorder.finishedFiles() == 3);
  CHECK(bench.stats.write_files == 3);
  CHECK(packetsOf(bench.path(9)) == std::vector<Sample>{{"one", 1, 0, 10}});
  CHECK(packetsOf(bench.path(10)) == std::vector<Sample>{{"two", 101, 0, 20}});
  CHECK(packetsOf(bench.path(11)) == std::vector<Sample>{{"three", 1, 0, 30}});
}

TEST_CASE("a new file when a packet is so much later than the first of its own") {
  OutputRotation rotation;
  rotation.ns = 10;
  Bench bench(rotation);
  REQUIRE(bench.recorder.open(false));
  for (const int64_t at : {5, 14, 3, 15, 24, 25}) bench.add({std::to_string(at), 1, 0, at});
  // Times that jump: none of it wraps around.
  bench.add({"old", 1, 0, 0});
  bench.add({"last", 1, 0, source::maxTimestampNs});
  bench.recorder.finish();
  CHECK(textsOf(bench.path(1)) == Texts{"5", "14", "3"});
  CHECK(textsOf(bench.path(2)) == Texts{"15", "24"});
  CHECK(textsOf(bench.path(3)) == Texts{"25", "old"});
  CHECK(textsOf(bench.path(4)) == Texts{"last"});
}

TEST_CASE("a next file that exists ends the recording, and is not touched") {
  OutputRotation rotation;
  rotation.bytes = 1;
  Bench bench(rotation);
  std::ofstream(bench.path(2)) << "there";
  REQUIRE(bench.recorder.open(false));
  CHECK(bench.add({"one"}));
  CHECK_FALSE(bench.add({"two"}));
  CHECK(bench.recorder.error().message == "cannot write " + bench.path(2) + ": it exists, and may not be replaced");
  CHECK(textsOf(bench.path(1)) == Texts{"one"});
  CHECK(contentsOf(bench.path(2)) == "there");
  CHECK(bench.recorder.finishedFiles() == 1);
}
