#include "pipeline.h"

#include <algorithm>
#include <utility>

#include "decode/link_addresses.h"
#include "decode/share.h"
#include "delivery/batch_writer.h"
#include "delivery/flow_writer.h"
#include "recording/observers.h"
#include "stream/protocol_switch.h"

namespace flowtap {

namespace {
/// Packets decoded ahead, so that their connections are near when their turn comes.
constexpr size_t lookAhead = 16;
}  // namespace

/// From the bytes of connections to records of messages.
struct Pipeline::Messages {
  Messages(const http::HttpOptions& options, delivery::Outbox& outbox, recording::Recorder* recorder, Stats& stats)
      : writer(outbox, stats),
        observer(recorder ? std::make_unique<recording::MessageObserver>(writer, *recorder) : nullptr),
        http1(options, observer ? static_cast<http::MessageSink&>(*observer) : writer, stats),
        protocols(http1, stats) {}

  delivery::BatchWriter writer;
  std::unique_ptr<recording::MessageObserver> observer;
  http::Http1Handler http1;
  stream::ProtocolSwitch protocols;
};

Pipeline::Pipeline(const PipelineOptions& options, delivery::Mailbox& mailbox, std::function<void()> handedOver)
    : share_(options.share),
      recorder_(options.recording ? std::make_unique<recording::Recorder>(*options.recording, stats_) : nullptr),
      outbox_(mailbox, options.whenFull, stats_, std::move(handedOver), options.numbering),
      messages_(options.mode == PipelineMode::messages
                    ? std::make_unique<Messages>(options.http, outbox_, recorder_.get(), stats_)
                    : nullptr),
      flows_(options.mode == PipelineMode::flows
                 ? std::make_unique<delivery::FlowWriter>(outbox_, options.ports, stats_)
                 : nullptr),
      observer_(recorder_ ? std::make_unique<recording::ConnectionObserver>(
                                listener(), messages_ ? &messages_->protocols : nullptr, *recorder_)
                          : nullptr),
      reassembler_(options.tcp, observer_ ? static_cast<tcp::StreamListener&>(*observer_) : listener(), stats_),
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
                 [this](const decode::Segment& segment, recording::Key packet, const decode::PacketNote& note) {
                   stats_.tcp_notSelected--;
                   if (recorder_ != nullptr)
                     recorder_->join(packet, reassemble(segment, note));
                   else if (flows_)
                     reassembleFlow(segment, note);
                   else
                     reassembler_.segment(segment);
                 });
}

tcp::StreamListener& Pipeline::listener() {
  if (messages_) return messages_->protocols;
  return *flows_;
}

/// As packets(), one by one, and says whose each of them is.
void Pipeline::recordPackets(const source::Packet* burst, size_t count) {
  for (size_t i = 0; i < count; i++) {
    decode::Segment segment;
    const decode::DecodeResult result = decoder_.decode(burst[i], segment);
    const std::vector<uint64_t>& datagrams = decoder_.touchedDatagrams();
    recording::Key key = 0;
    if (result == decode::DecodeResult::segment)
      key = place(segment, burst[i]);
    else if (result == decode::DecodeResult::fragment && !datagrams.empty())
      key = recording::key::datagram(datagrams.back());
    if (key != 0) recorder_->packet(burst[i], key);
    for (const uint64_t datagram : datagrams)
      if (recording::key::datagram(datagram) != key) recorder_->join(recording::key::datagram(datagram), key);
    decoder_.releaseDatagrams();
  }
  recorder_->settle();
}

recording::Key Pipeline::place(const decode::Segment& segment, const source::Packet& packet) {
  const decode::PacketNote note = flows_ ? decode::noteOf(packet) : decode::PacketNote{};
  if (selector_.selects(segment)) return reassemble(segment, note);
  stats_.tcp_notSelected++;
  if (held_ == nullptr || !selector_.isListed(segment)) return 0;
  const recording::Key key = recorder_->provisional();
  held_->hold(segment, key, note);
  return key;
}

recording::Key Pipeline::reassemble(const decode::Segment& segment, const decode::PacketNote& note) {
  const recording::Key before = reassembler_.connectionOf(segment);
  if (flows_)
    reassembleFlow(segment, note);
  else
    reassembler_.segment(segment);
  const recording::Key after = reassembler_.connectionOf(segment);
  if (before != after && before >= tcp::firstUnopenedId) recorder_->join(before, after);
  return after;
}

void Pipeline::reassembleFlow(const decode::Segment& segment, const decode::PacketNote& note) {
  flows_->beforeSegment(segment, note, reassembler_.senderOf(segment));
  reassembler_.segment(segment);
  flows_->afterSegment();
}

bool Pipeline::decodeShare(const source::Packet& packet, decode::Segment& segment) {
  const uint64_t truncatedBefore = stats_.packets_truncated;
  const decode::DecodeResult result = decoder_.decode(packet, segment);
  const bool holdsSegment = result == decode::DecodeResult::segment;
  const bool ours = holdsSegment ? decode::isIn(share_, segment) : share_.index == 0;
  if (!ours) uncount(packet, result, truncatedBefore);
  return ours && holdsSegment;
}

void Pipeline::uncount(const source::Packet& packet, decode::DecodeResult result, uint64_t truncatedBefore) {
  stats_.packets_received--;
  stats_.packets_bytes -= packet.capturedLength;
  stats_.packets_truncated = truncatedBefore;
  switch (result) {
    case decode::DecodeResult::segment:
      stats_.packets_decoded--;
      break;
    case decode::DecodeResult::notTcp:
      stats_.packets_notTcp--;
      break;
    case decode::DecodeResult::malformed:
      stats_.packets_malformed--;
      break;
    case decode::DecodeResult::unsupported:
      stats_.packets_unsupported--;
      break;
    case decode::DecodeResult::fragment:
      stats_.packets_notTcp--;
      stats_.packets_fragments--;
      break;
  }
}

void Pipeline::packets(const source::Packet* burst, size_t count) {
  if (recorder_ != nullptr) {
    recordPackets(burst, count);
    packetTimeNs_ = burst[count - 1].timestampNs;
    return;
  }
  if (flows_)
    pass<true>(burst, count);
  else
    pass<false>(burst, count);
  packetTimeNs_ = burst[count - 1].timestampNs;
}

/// `noted`: what is told of each packet goes with its segment.
template <bool noted>
void Pipeline::pass(const source::Packet* burst, size_t count) {
  decode::Segment segments[lookAhead];
  const source::Packet* origin[noted ? lookAhead : 1];
  for (size_t base = 0; base < count; base += lookAhead) {
    const size_t packets = std::min(lookAhead, count - base);
    size_t selected = 0;
    for (size_t i = 0; i < packets; i++) {
      decode::Segment& segment = segments[selected];
      const source::Packet& packet = burst[base + i];
      const bool wanted = share_.isWhole() ? decoder_.decode(packet, segment) == decode::DecodeResult::segment
                                           : decodeShare(packet, segment);
      if (!wanted) continue;
      if (!selector_.selects(segment)) {
        leave(segment, packet);
        continue;
      }
      reassembler_.prefetch(segment);
      if constexpr (noted) origin[selected] = &packet;
      selected++;
    }
    for (size_t i = 0; i < selected; i++) {
      if constexpr (noted)
        reassembleFlow(segments[i], decode::noteOf(*origin[i]));
      else
        reassembler_.segment(segments[i]);
    }
    decoder_.releaseDatagrams();
  }
}

/// Not selected, so far.
void Pipeline::leave(const decode::Segment& segment, const source::Packet& packet) {
  stats_.tcp_notSelected++;
  if (held_ != nullptr && selector_.isListed(segment)) held_->hold(segment, 0, decode::noteOf(packet));
}

void Pipeline::advance(int64_t nowNs) {
  decoder_.advance(nowNs);
  reassembler_.advance(nowNs);
  if (flows_) flows_->tellOwed();
}

void Pipeline::pause(int64_t nowNs) {
  advance(nowNs);
  outbox_.flushIfIdle();
  if (recorder_ != nullptr) recorder_->pause(nowNs);
}

void Pipeline::finish() {
  decoder_.advance(INT64_MAX);
  reassembler_.finish(packetTimeNs_);
  if (flows_) flows_->finish();
  outbox_.flush();
}

}  // namespace flowtap
