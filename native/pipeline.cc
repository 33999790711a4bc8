#include "pipeline.h"

#include <algorithm>

namespace flowtap {

namespace {
/// Packets decoded ahead, so that their connections are near when their turn comes.
constexpr size_t lookAhead = 16;
}  // namespace

Pipeline::Pipeline(const PipelineOptions& options, delivery::Mailbox& mailbox, std::function<void()> handedOver)
    : writer_(mailbox, options.whenFull, stats_, std::move(handedOver)),
      http1_(options.http, writer_, stats_),
      switch_(http1_, stats_),
      reassembler_(options.tcp, switch_, stats_),
      decoder_(options.decode, stats_),
      selector_(options.ports, options.addresses) {}

void Pipeline::packets(const source::Packet* burst, size_t count) {
  decode::Segment segments[lookAhead];
  for (size_t base = 0; base < count; base += lookAhead) {
    const size_t packets = std::min(lookAhead, count - base);
    size_t selected = 0;
    for (size_t i = 0; i < packets; i++) {
      decode::Segment& segment = segments[selected];
      if (decoder_.decode(burst[base + i], segment) != decode::DecodeResult::segment) continue;
      if (!selector_.selects(segment)) {
        stats_.tcp_notSelected++;
        continue;
      }
      reassembler_.prefetch(segment);
      selected++;
    }
    for (size_t i = 0; i < selected; i++) reassembler_.segment(segments[i]);
    decoder_.releaseDatagrams();
  }
  packetTimeNs_ = std::max(packetTimeNs_, burst[count - 1].timestampNs);
}

void Pipeline::pause(int64_t nowNs) {
  decoder_.advance(nowNs);
  reassembler_.advance(nowNs);
  writer_.flushIfIdle();
}

void Pipeline::finish() {
  decoder_.advance(INT64_MAX);
  reassembler_.finish(packetTimeNs_);
  writer_.flush();
}

}  // namespace flowtap
