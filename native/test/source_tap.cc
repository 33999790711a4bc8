// Live capture on an interface of our own, in a network namespace of our own: frames of any shape, and an interface
// that goes away.
#ifdef __linux__
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>

#include "source_fixture.h"

namespace flowtap::source {
namespace {

constexpr const char* tapName = "flowtap0";

/// An Ethernet interface whose frames are written by us. Belongs to the namespace of the thread that makes it.
class Tap {
 public:
  Tap() {
    descriptor_ = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    ifreq request = {};
    std::strncpy(request.ifr_name, tapName, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (descriptor_ < 0 || ioctl(descriptor_, TUNSETIFF, &request) != 0) return;
    const int control = socket(AF_INET, SOCK_DGRAM, 0);
    request.ifr_flags = IFF_UP;
    up_ = ioctl(control, SIOCSIFFLAGS, &request) == 0;
    close(control);
  }
  ~Tap() { remove(); }
  bool up() const { return up_; }
  void inject(const Buffer& frame) {
    CHECK(write(descriptor_, frame.data(), frame.size()) == static_cast<ssize_t>(frame.size()));
  }
  void remove() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
  bool up_ = false;
};

/// Runs `test` with a tap of its own, or says SKIP.
template <typename Test>
void withTap(Test test) {
  bool possible = false;
  // Only this thread gets the new namespace, and it goes away with it.
  std::thread thread([&] {
    if (unshare(CLONE_NEWNET) != 0) return;
    Tap tap;
    if (!tap.up()) return;
    possible = true;
    test(tap);
  });
  thread.join();
  if (!possible) MESSAGE("SKIP: network namespaces and taps are not permitted here");
}

// Reads until a packet came that ends like this frame behind its Ethernet header, whatever the link layer in front of
// it.
void readUntil(PacketSource& source, Keeper& keeper, const Buffer& frame) {
  for (int idle = 0; idle < 5;) {
    const ReadStatus status = source.read(keeper, 1000);
    if (status == ReadStatus::failed) break;
    if (status == ReadStatus::idle) idle++;
    for (const Kept& packet : keeper.kept) {
      const Buffer payload(frame.begin() + 14, frame.end());
      const auto length = static_cast<std::ptrdiff_t>(payload.size());
      if (packet.data.size() >= payload.size() &&
          std::equal(payload.begin(), payload.end(), packet.data.end() - length)) {
        return;
      }
    }
  }
  FAIL_CHECK("the last frame did not come: " << source.error().message);
}

const Buffer sender = {2, 0xff, 0xff, 0xff, 0xff, 0xff};

Buffer ethernet(uint16_t type, const Buffer& payload) {
  return Writer(true).raw(Buffer(6, 0xff)).raw(sender).u16(type).raw(payload).bytes;
}

Buffer ip4(uint8_t protocol, uint16_t from, uint16_t to, uint16_t fragment = 0) {
  return Writer(true)
      .u16(0x4500)
      .u16(60)
      .u16(9)
      .u16(fragment)
      .u16(64 << 8 | protocol)
      .u16(0)
      .u32(0x0a000001)
      .u32(0x0a000002)
      .u16(from)
      .u16(to)
      .raw(Buffer(36))
      .bytes;
}

TEST_CASE("the kernel rejects only what cannot be wanted") {
  withTap([](Tap& tap) {
    for (const bool immediate : {false, true}) {
      for (const std::string interface : {tapName, "any"}) {
        CAPTURE(interface);
        CAPTURE(immediate);
        LiveOptions options;
        options.interface = interface;
        options.immediate = immediate;
        options.selection.ports = {80};
        options.bufferBytes = 8u << 20;
        auto source = makeLiveSource(options);
        if (!source->open()) {
          FAIL_CHECK(source->error().message);
          return;
        }
        const bool cooked = interface == "any";
        CHECK(contains(source->info().filter, "tcp port 80"));
        const std::vector<Buffer> unwanted = {ethernet(0x0800, ip4(6, 1, 443)), ethernet(0x0800, ip4(17, 1, 53)),
                                              ethernet(0x0806, Buffer(46)), ethernet(0x0800, ip4(17, 1, 80))};
        const std::vector<Buffer> wanted = {
            ethernet(0x0800, ip4(6, 1, 80)),
            ethernet(0x0800, ip4(6, 80, 1)),
            ethernet(0x0800, ip4(6, 1, 443, 0x2000)),
            ethernet(0x0800, ip4(6, 0, 0, 0x0003)),
            ethernet(0x0800, ip4(17, 1, 4789)),
            ethernet(0x0800, ip4(47, 1, 443)),
            ethernet(0x8100, Writer(true).u16(7).u16(0x0800).raw(ip4(6, 1, 80)).bytes),
            ethernet(0x88a8, Writer(true).u16(7).u16(0x8100).u16(8).u16(0x0800).raw(ip4(6, 1, 443)).bytes),
            ethernet(0x8847, Writer(true).u32(0x00010140).raw(ip4(6, 1, 443)).bytes),
            ethernet(0x8864, Writer(true).u32(0x11000001).u16(62).u16(0x21).raw(ip4(6, 1, 443)).bytes),
            ethernet(0x0800, ip4(6, 80, 12345)),
        };
        constexpr size_t doubleTagged = 7;
        for (size_t i = 0; i < wanted.size(); i++) {
          for (const Buffer& frame : unwanted) tap.inject(frame);
          tap.inject(wanted[i]);
        }
        Keeper keeper;
        readUntil(*source, keeper, wanted.back());
        // The system may speak on a new interface by itself (neighbour discovery), from a random address.
        std::vector<Buffer> seen;
        for (const Kept& packet : keeper.kept) {
          // At the same place in a cooked header.
          if (packet.data.size() >= 12 && std::equal(sender.begin(), sender.end(), packet.data.begin() + 6))
            seen.push_back(packet.data);
        }
        CHECK(seen.size() == wanted.size());
        for (size_t i = 0; i < std::min(seen.size(), wanted.size()); i++) {
          // In cooked mode recent kernels put the innermost protocol in front of the inner tag. It arrives all the
          // same.
          if (cooked && i == doubleTagged) continue;
          CAPTURE(i);
          const std::ptrdiff_t skip = cooked ? 16 : 14;
          CHECK(Buffer(seen[i].begin() + skip, seen[i].end()) == Buffer(wanted[i].begin() + 14, wanted[i].end()));
        }
      }
    }
  });
}

TEST_CASE("an interface that goes away is a failure, after what came before") {
  withTap([](Tap& tap) {
    LiveOptions options;
    options.interface = tapName;
    auto source = makeLiveSource(options);
    if (!source->open()) {
      FAIL_CHECK(source->error().message);
      return;
    }
    const Buffer frame = ethernet(0x0800, ip4(6, 1, 80));
    tap.inject(frame);
    Keeper keeper;
    readUntil(*source, keeper, frame);
    keeper.kept.clear();
    tap.remove();
    int idle = 0;
    ReadStatus status;
    do {
      status = source->read(keeper, 1000);
      if (status == ReadStatus::idle) idle++;
    } while (status != ReadStatus::failed && idle < 10000);
    CHECK(status == ReadStatus::failed);
    CHECK(source->error().code == "ERR_CAPTURE");
    CHECK(contains(source->error().message, tapName));
    CHECK(source->read(keeper, 1000) == ReadStatus::failed);
  });
}

}  // namespace
}  // namespace flowtap::source
#endif
