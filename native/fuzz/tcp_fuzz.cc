// Bytes become segments of a few connections; whatever they are, the listener's contract and the accounts hold.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../test/tcp_recorder.h"

using namespace flowtap;
using namespace flowtap::tcp;
using namespace flowtap::tcp::testing;

namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  uint8_t byte() { return empty() ? 0 : data_[at_++]; }
  uint32_t number() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  /// Mostly small, sometimes anything.
  int64_t near() {
    const uint8_t kind = byte();
    if (kind < 128) return kind;
    if (kind < 160) return -static_cast<int64_t>(kind - 127);
    if (kind < 224) return static_cast<int64_t>(kind - 160) * 700;
    if (kind < 248) return static_cast<int64_t>(byte() << 8 | byte()) * (kind - 223);
    return number();
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t shape = input.byte();
  ReassemblyOptions options;
  if (shape & 1) options.maxConnections = 2;
  if (shape & 2) options.maxBufferedBytes = 8192;
  if (shape & 4) options.maxBufferedBytesPerDirection = 6000;
  if (shape & 8) options.reorderSegments = 2;
  if (shape & 16) options.idleTimeoutNs = 1'000'000'000;
  if (shape & 32) options.maxBufferedBytes = 0;
  Recorder told;
  told.keep = false;
  Stats stats;
  Reassembler reassembler(options, told, stats);
  std::string text(4096, 'x');
  uint32_t isn[4][2] = {{1000, 2000}, {0xffffffff, 0xfffffff0}, {7, 0x80000000}, {0x7fffffff, 42}};
  uint64_t sent[4][2] = {};
  int64_t nowNs = 1'000'000'000'000;
  while (!input.empty()) {
    const uint8_t what = input.byte();
    const uint8_t tuple = what & 3;
    const Side side = what >> 2 & 1;
    const uint8_t how = input.byte();
    nowNs += (what & 0x40) != 0 ? input.near() * 10'000'000 : 1000;
    if ((what & 0x80) != 0 && how < 16) {
      reassembler.advance(nowNs);
    } else {
      const uint8_t bits = how & 0x1f;
      const auto length = static_cast<uint32_t>((how & 0x20) != 0 ? static_cast<uint64_t>(input.near()) % 4096 : 0);
      // The usual next number, or one beside it.
      const int64_t aside = (how & 0x40) != 0 ? input.near() : 0;
      const int64_t ackAside = (how & 0x80) != 0 ? input.near() : 0;
      if ((what & 0x20) != 0 && length > 0) text[input.byte()] = static_cast<char>(how);
      const std::string payload(text, 0, length);
      const uint32_t sequence =
          isn[tuple][side] + static_cast<uint32_t>(sent[tuple][side]) + static_cast<uint32_t>(aside);
      const uint32_t acknowledgment =
          isn[tuple][other(side)] + static_cast<uint32_t>(sent[tuple][other(side)]) + static_cast<uint32_t>(ackAside);
      decode::Segment segment =
          segmentOf(side, bits, sequence, acknowledgment, payload, nowNs, static_cast<uint16_t>(40000 + tuple));
      if ((what & 0x10) != 0) segment.truncatedLength = static_cast<uint32_t>(input.near());
      if ((what & 0x08) != 0) reassembler.prefetch(segment);
      if (aside == 0) sent[tuple][side] += length + ((bits & (syn | fin)) != 0 ? 1 : 0);
      reassembler.segment(segment);
    }
    TCP_CHECK(accountsBalance(stats));
    TCP_CHECK(stats.tcp_deliveredBytes == told.dataBytes);
    TCP_CHECK(stats.tcp_missingBytes == told.gapBytes);
    TCP_CHECK(stats.tcp_bufferedBytes <= options.maxBufferedBytes);
    TCP_CHECK(told.opens - told.closes <= options.maxConnections);
  }
  reassembler.finish(nowNs);
  TCP_CHECK(accountsBalance(stats));
  TCP_CHECK(stats.tcp_bufferedBytes == 0);
  TCP_CHECK(told.opens == told.closes);
  TCP_CHECK(stats.tcp_connectionsClosed == told.closes);
  return 0;
}
