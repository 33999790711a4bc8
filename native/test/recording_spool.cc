#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>

#include "recording/spool.h"
#include "recording_fixture.h"

using namespace flowtap::recording;
using namespace flowtap::recording::test;

namespace {

std::string taken(Spool& spool, size_t length) {
  std::string bytes(length, '\0');
  REQUIRE(spool.take(bytes.data(), length));
  return bytes;
}

}  // namespace

TEST_CASE("a spool gives what it got, in order, whatever is in memory and whatever is in the file") {
  const Folder folder;
  Spool spool(folder.path());
  std::mt19937 random(7);
  std::deque<char> truth;
  for (int step = 0; step < 400; step++) {
    const bool fills = step % 100 < 60;
    const size_t length = random() % (fills ? 900'000 : 1'300'000);
    if (fills) {
      std::string bytes(length, '\0');
      for (size_t i = 0; i < length; i += 97) bytes[i] = static_cast<char>(random());
      truth.insert(truth.end(), bytes.begin(), bytes.end());
      REQUIRE(spool.append(bytes.data(), bytes.size()));
    } else {
      const size_t part = std::min(length, truth.size());
      const std::string expected(truth.begin(), truth.begin() + static_cast<std::ptrdiff_t>(part));
      if (random() % 3 == 0) {
        REQUIRE(spool.skip(part));
      } else {
        std::string seen(part, '\0');
        REQUIRE(spool.peek(seen.data(), part));
        REQUIRE(seen == expected);
        REQUIRE(taken(spool, part) == expected);
      }
      truth.erase(truth.begin(), truth.begin() + static_cast<std::ptrdiff_t>(part));
    }
    REQUIRE(spool.size() == truth.size());
    // What was just read, and what is being written.
    REQUIRE(spool.residentBytes() <= (Spool::residentBlocks + 3) * Spool::blockBytes);
  }
  CHECK(spool.failure() == 0);
}

TEST_CASE("a spool needs no file while little waits") {
  Spool spool("/nowhere");
  const std::string bytes(Spool::blockBytes / 2 + 1, 'x');
  for (int round = 0; round < 100; round++) {
    REQUIRE(spool.append(bytes.data(), bytes.size()));
    if (round >= 10) REQUIRE(spool.skip(bytes.size()));
  }
  CHECK(spool.failure() == 0);
  for (int round = 0; round < 3; round++) {
    INFO(round);
    spool.append(bytes.data(), bytes.size());
  }
  bool failed = false;
  for (int round = 0; round < 10 && !failed; round++) failed = !spool.append(bytes.data(), bytes.size());
  CHECK(failed);
  CHECK(spool.failure() == ENOENT);
  spool.clear();
  CHECK(spool.size() == 0);
}
