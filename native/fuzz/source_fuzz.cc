// The parsers of capture files, with bytes that arrive in pieces of any size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "source/capture_parser.h"

namespace {

using namespace flowtap::source;

class Toucher final : public BlockListener {
 public:
  void block(uint32_t type, const uint8_t* body, size_t length, bool) override {
    uint64_t sum = type;
    for (size_t i = 0; i < length; i++) sum += body[i];
    touched = sum;
  }
  volatile uint64_t touched = 0;
};

struct Outcome {
  size_t packets = 0;
  uint64_t digest = 0;
  bool damaged = false;
  bool operator==(const Outcome&) const = default;
};

// Each window is memory of its own, so that a read before or behind it is seen.
template <typename Piece>
Outcome run(const uint8_t* data, size_t size, size_t capacity, Piece nextPiece) {
  CaptureParser parser;
  Toucher toucher;
  parser.listen(&toucher);
  Outcome outcome;
  std::vector<Packet> burst(capacity);
  size_t begin = 0;
  size_t end = 0;
  for (;;) {
    const std::vector<uint8_t> window(data + begin, data + end);
    const ParseResult result = parser.parse(window.data(), window.size(), burst.data(), capacity);
    if (result.consumed > window.size() || result.count > capacity) std::abort();
    for (size_t i = 0; i < result.count; i++) {
      const Packet& packet = burst[i];
      if (packet.timestampNs < 0 || packet.timestampNs > maxTimestampNs) std::abort();
      uint64_t digest =
          outcome.digest ^ static_cast<uint64_t>(packet.timestampNs) ^ packet.linkType ^ packet.interfaceId;
      for (uint32_t k = 0; k < packet.capturedLength; k++) digest = digest * 31 + packet.data[k];
      outcome.digest = digest * 31 + packet.wireLength;
      outcome.packets++;
    }
    begin += result.consumed;
    if (result.status == ParseStatus::damaged) {
      if (parser.damage().empty()) std::abort();
      outcome.damaged = true;
      return outcome;
    }
    if (result.status == ParseStatus::full) {
      if (result.count != capacity) std::abort();
      continue;
    }
    if (end == size) {
      outcome.damaged = !parser.endOfInput(data + begin, size - begin).empty();
      return outcome;
    }
    end = std::min(size, end + std::max<size_t>(nextPiece(), 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The last byte chooses the pieces, so that seeds can be plain capture files.
  const unsigned choice = size > 0 ? data[size - 1] : 0;
  unsigned state = choice;
  const Outcome whole = run(data, size, 256, [&] { return size; });
  const Outcome pieces = run(data, size, 1 + choice % 7, [&] {
    state = state * 1103515245 + 12345;
    return state >> 16 & 127;
  });
  if (!(whole == pieces)) std::abort();
  return 0;
}
