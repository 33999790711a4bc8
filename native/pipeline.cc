#include "pipeline.h"

#include <algorithm>
#include <utility>

#include "delivery/batch_writer.h"
#include "delivery/flow_writer.h"
#include "stream/protocol_switch.h"

namespace flowtap {

namespace {
/// Packets decoded ahead, so that their connections are near when their turn comes.
constexpr size_t lookAhead = 16;
}  // namespace

/// From the bytes of connections to records of messages.
struct Pipeline::Messages {
  Messages(const http::HttpOptions& options, delivery::Outbox& outbox, Stats& stats)
      : writer(outbox, stats), http1(options, writer, stats), protocols(http1, stats) {}

  delivery::BatchWriter writer;
  http::Http1Handler http1;
  stream::ProtocolSwitch protocols;
};

Pipeline::Pipeline(const PipelineOptions& options, delivery::Mailbox& mailbox, std::function<void()> handedOver)
    : outbox_(mailbox, options.whenFull, stats_, std::move(handedOver)),
      messages_(options.mode == PipelineMode::messages ? std::make_unique<Messages>(options.http, outbox_, stats_)
                                                       : nullptr),
      flows_(options.mode == PipelineMode::flows
                 ? std::make_unique<delivery::FlowWriter>(outbox_, options.ports, stats_)
                 : nullptr),
      reassembler_(options.tcp,
                   messages_ ? static_cast<tcp::StreamListener&>(messages_->protocols)
                             : static_cast<tcp::StreamListener&>(*flows_),
                   stats_),
      decoder_(options.decode, stats_),
      selector_(options.ports, options.addresses),
      held_(options.followed ? std::make_unique<decode::HeldSegments>(decode::HoldOptions{}, stats_) : nullptr) {
  selector_.follow(options.followed);
}

Pipeline::~Pipeline() = default;

void Pipeline::select(const http::SelectionOptions& selection) {
  if (messages_) messages_->http1.select(selection);
}

void Pipeline::follow(std::shared_ptr<const decode::EndpointSet> endpoints) {
  if (held_ == nullptr) return;
  selector_.follow(std::move(endpoints));
  held_->release([this](const decode::Segment& segment) { return selector_.selects(segment); },
                 [this](const decode::Segment& segment) {
                   stats_.tcp_notSelected--;
                   reassembler_.segment(segment);
                 });
}

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
        if (held_ != nullptr && selector_.isListed(segment)) held_->hold(segment);
        continue;
      }
      reassembler_.prefetch(segment);
      selected++;
    }
    for (size_t i = 0; i < selected; i++) reassembler_.segment(segments[i]);
    decoder_.releaseDatagrams();
  }
  packetTimeNs_ = burst[count - 1].timestampNs;
}

void Pipeline::advance(int64_t nowNs) {
  decoder_.advance(nowNs);
  reassembler_.advance(nowNs);
  if (flows_) flows_->tellOwed();
}

void Pipeline::pause(int64_t nowNs) {
  advance(nowNs);
  outbox_.flushIfIdle();
}

void Pipeline::finish() {
  decoder_.advance(INT64_MAX);
  reassembler_.finish(packetTimeNs_);
  if (flows_) flows_->finish();
  outbox_.flush();
}

}  // namespace flowtap
