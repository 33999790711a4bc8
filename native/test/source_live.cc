// Live capture on loopback, where it is permitted.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "source_fixture.h"

namespace flowtap::source {
namespace {

#ifdef __APPLE__
constexpr const char* loopback = "lo0";
#else
constexpr const char* loopback = "lo";
#endif

/// Null, and a word about it, where capturing is not permitted.
std::unique_ptr<PacketSource> openLive(const LiveOptions& options) {
  auto source = makeLiveSource(options);
  if (source->open()) return source;
  if (source->error().code == "ERR_PERMISSION") {
    MESSAGE("SKIP: live capture is not permitted here");
  } else {
    FAIL_CHECK(source->error().message);
  }
  return nullptr;
}

/// A UDP socket on loopback that nobody has to read from.
class Datagrams {
 public:
  Datagrams() {
    descriptor_ = socket(AF_INET, SOCK_DGRAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address_;
    REQUIRE(bind(descriptor_, reinterpret_cast<sockaddr*>(&address_), length) == 0);
    REQUIRE(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address_), &length) == 0);
  }
  ~Datagrams() { close(descriptor_); }
  void send(const std::string& text) {
    const auto sent =
        sendto(descriptor_, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    CHECK(sent == static_cast<ssize_t>(text.size()));
  }
  std::string filter() const { return "udp port " + std::to_string(ntohs(address_.sin_port)); }
  uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  int descriptor_;
  sockaddr_in address_ = {};
};

/// Reads until `count` packets came, or none for a second, three times.
void readSome(PacketSource& source, Keeper& keeper, size_t count) {
  int idle = 0;
  while (keeper.kept.size() < count && idle < 3) {
    const ReadStatus status = source.read(keeper, 1000);
    if (status == ReadStatus::idle) idle++;
    if (status == ReadStatus::failed) {
      FAIL_CHECK(source.error().message);
      return;
    }
  }
}

std::string lastBytes(const Kept& packet, size_t count) {
  if (packet.data.size() < count) return "";
  return std::string(packet.data.end() - static_cast<std::ptrdiff_t>(count), packet.data.end());
}

TEST_CASE("every datagram on loopback is seen once, in order, on each kind of interface") {
  for (const bool immediate : {false, true}) {
    for (const std::string interface : {loopback, "any"}) {
#ifdef __APPLE__
      if (interface == "any") continue;
#endif
      CAPTURE(interface);
      CAPTURE(immediate);
      Datagrams datagrams;
      LiveOptions options;
      options.interface = interface;
      options.immediate = immediate;
      options.filter = datagrams.filter();
      options.bufferBytes = 8u << 20;
      auto source = openLive(options);
      if (source == nullptr) return;
      CHECK(source->info().interface == interface);
      CHECK(source->info().filter == options.filter);
      CHECK(source->info().snaplen == 262144);
#ifdef __linux__
      CHECK(source->info().linkType == (interface == "any" ? "LINUX_SLL" : "EN10MB"));
#endif
      constexpr size_t total = 2000;
      const auto before = std::chrono::system_clock::now().time_since_epoch();
      for (size_t i = 0; i < total; i++) datagrams.send("datagram " + std::to_string(10000 + i));
      Keeper keeper;
      readSome(*source, keeper, total);
      const auto after = std::chrono::system_clock::now().time_since_epoch();
      REQUIRE(keeper.kept.size() == total);
      int64_t previous = std::chrono::duration_cast<std::chrono::nanoseconds>(before).count() - 1'000'000;
      size_t wrong = 0;
      for (size_t i = 0; i < total; i++) {
        const Kept& packet = keeper.kept[i];
        wrong += lastBytes(packet, 14) != "datagram " + std::to_string(10000 + i);
        wrong += packet.wireLength != packet.data.size() || packet.timestampNs < previous;
        previous = packet.timestampNs;
      }
      CHECK(wrong == 0);
      CHECK(previous <= std::chrono::duration_cast<std::chrono::nanoseconds>(after).count() + 1'000'000);
      CHECK(source->counters().kernelReceived >= total);
      CHECK(source->counters().kernelReceived >= total);
      CHECK(source->counters().kernelDropped == 0);
      CHECK(source->counters().filteredOut == 0);
    }
  }
}

TEST_CASE("the snap length cuts packets, not their length on the wire") {
  Datagrams datagrams;
  LiveOptions options;
  options.interface = loopback;
  options.filter = datagrams.filter();
  options.snaplen = 64;
  auto source = openLive(options);
  if (source == nullptr) return;
  datagrams.send(std::string(500, 'x'));
  Keeper keeper;
  readSome(*source, keeper, 1);
  REQUIRE(keeper.kept.size() == 1);
  CHECK(keeper.kept[0].data.size() == 64);
  CHECK(keeper.kept[0].wireLength > 500);
}

TEST_CASE("a silent interface is idle, and wake interrupts") {
  Datagrams datagrams;
  LiveOptions options;
  options.interface = loopback;
  options.filter = datagrams.filter();
  auto source = openLive(options);
  if (source == nullptr) return;
  Keeper keeper;
  CHECK(source->read(keeper, 1) == ReadStatus::idle);
  source->wake();
  CHECK(source->read(keeper, -1) == ReadStatus::interrupted);
  CHECK(source->read(keeper, 1) == ReadStatus::idle);
  // Whichever is first: the wake is seen by the blocked read or by the next one.
  for (int i = 0; i < 20; i++) {
    std::thread waker([&] { source->wake(); });
    CHECK(source->read(keeper, 60'000) == ReadStatus::interrupted);
    waker.join();
  }
  CHECK(source->read(keeper, 1) == ReadStatus::idle);
  CHECK(keeper.kept.empty());
}

TEST_CASE("an interface that does not exist, and a filter that is none") {
  LiveOptions options;
  options.interface = "flowtap-none";
  auto source = makeLiveSource(options);
  CHECK_FALSE(source->open());
  if (source->error().code == "ERR_PERMISSION") {
    MESSAGE("SKIP: live capture is not permitted here");
    return;
  }
  CHECK(source->error().code == "ERR_NO_INTERFACE");
  CHECK(contains(source->error().message, "there is no interface \"flowtap-none\"; there are: "));
  CHECK(contains(source->error().message, loopback));
  Keeper keeper;
  CHECK(source->read(keeper, 0) == ReadStatus::failed);

  options.interface = loopback;
  options.filter = "tcp porp 80";
  source = makeLiveSource(options);
  CHECK_FALSE(source->open());
  CHECK(source->error().code == "ERR_FILTER");
  CHECK(contains(source->error().message, "syntax error"));
}

#ifdef __linux__
TEST_CASE("without permission the error says what to do") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // A user of no rights loses the capabilities of root.
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(1);
    LiveOptions options;
    options.interface = loopback;
    auto source = makeLiveSource(options);
    const std::string text = source->open() ? "opened" : source->error().code + " " + source->error().message;
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  char text[2000] = "";
  const ssize_t length = read(ends[0], text, sizeof text - 1);
  close(ends[0]);
  int status;
  waitpid(child, &status, 0);
  REQUIRE(length > 0);
  if (std::string(text) == "opened") {
    MESSAGE("SKIP: everybody may capture here");
    return;
  }
  CHECK(contains(text, "ERR_PERMISSION capturing on \"lo\" is not permitted"));
}
#endif

}  // namespace
}  // namespace flowtap::source
