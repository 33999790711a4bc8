// Packets in, batches out: owns the stages and wires them. No threads, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "decode/decoder.h"
#include "decode/endpoint_set.h"
#include "decode/held_segments.h"
#include "decode/selector.h"
#include "delivery/mailbox.h"
#include "delivery/outbox.h"
#include "http/http1_handler.h"
#include "recording/recorder.h"
#include "source/packet.h"
#include "source/share.h"
#include "stats.h"
#include "tcp/reassembler.h"

namespace flowtap::delivery {
class FlowWriter;
}

namespace flowtap::recording {
class ConnectionObserver;
}

namespace flowtap {

/// What the batches hold.
enum class PipelineMode : uint8_t {
  messages,  ///< HTTP messages: records are delivery::Record
  flows,     ///< what TCP connections carry, whatever it is: records are delivery::FlowRecord
};

struct PipelineOptions {
  PipelineMode mode = PipelineMode::messages;
  decode::DecodeOptions decode;
  source::Share share;  ///< of all connections; the packets may be those of all
  std::vector<uint16_t> ports;
  std::vector<decode::Address> addresses;
  std::shared_ptr<const decode::EndpointSet> followed;  ///< only these, and what follow() says later; null: all
  tcp::ReassemblyOptions tcp;
  http::HttpOptions http;
  delivery::WhenFull whenFull = delivery::WhenFull::wait;
  std::optional<recording::RecordingOptions> recording;  ///< write the packets of what is delivered
  delivery::Numbering numbering;
};

class Pipeline final : public source::PacketSink {
 public:
  /// `handedOver` is called whenever a batch was put into the mailbox.
  Pipeline(const PipelineOptions& options, delivery::Mailbox& mailbox, std::function<void()> handedOver);
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Which messages are delivered, instead of what the options say. Before the first packet.
  void select(const http::SelectionOptions& selection);
  /// These endpoints alone, from now on; also what came from and to them a moment ago. Only if the options say that any
  /// are followed.
  void follow(std::shared_ptr<const decode::EndpointSet> endpoints);
  void packets(const source::Packet* burst, size_t count) override;
  /// Null unless the options ask for it. It has to be opened before the first packet, and to be finished by the owner.
  recording::Recorder* recorder() { return recorder_.get(); }
  /// Declares what is overdue at `nowNs`. To be called every few hundred packets.
  void advance(int64_t nowNs);
  /// The source pauses: as advance(), and hands over what is finished if the consumer has nothing else.
  void pause(int64_t nowNs);
  /// Time of the last packet, 0 before the first. Not of the newest: captures may be joined in any order.
  int64_t packetTimeNs() const { return packetTimeNs_; }
  /// See Decoder.
  const std::vector<decode::LinkTypeCount>& unsupportedLinkTypes() const { return decoder_.unsupportedLinkTypes(); }
  /// The input is over: finishes everything and hands it over.
  void finish();

  const Stats& stats() const { return stats_; }
  Stats& stats() { return stats_; }

 private:
  struct Messages;

  tcp::StreamListener& listener();
  void recordPackets(const source::Packet* burst, size_t count);
  template <bool noted>
  void pass(const source::Packet* burst, size_t count);
  void leave(const decode::Segment& segment, const source::Packet& packet);
  recording::Key reassemble(const decode::Segment& segment, const decode::PacketNote& note);
  recording::Key place(const decode::Segment& segment, const source::Packet& packet);
  void reassembleFlow(const decode::Segment& segment, const decode::PacketNote& note);

  /// Of a share that is not the whole: whether the packet holds a segment of it.
  bool decodeShare(const source::Packet& packet, decode::Segment& segment);
  /// Another worker counts it.
  void uncount(const source::Packet& packet, decode::DecodeResult result, uint64_t truncatedBefore);

  const source::Share share_;
  Stats stats_;
  std::unique_ptr<recording::Recorder> recorder_;
  delivery::Outbox outbox_;
  // What listens to reassembly: one of them, by mode.
  std::unique_ptr<Messages> messages_;
  std::unique_ptr<delivery::FlowWriter> flows_;
  std::unique_ptr<recording::ConnectionObserver> observer_;  ///< between them and reassembly, with a recorder
  tcp::Reassembler reassembler_;
  decode::Decoder decoder_;
  decode::Selector selector_;
  std::unique_ptr<decode::HeldSegments> held_;  ///< only while endpoints are followed
  int64_t packetTimeNs_ = 0;
};

}  // namespace flowtap
