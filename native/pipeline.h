// Packets in, batches out: owns the stages and wires them. No threads, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "decode/decoder.h"
#include "decode/selector.h"
#include "delivery/batch_writer.h"
#include "delivery/mailbox.h"
#include "http/http1_handler.h"
#include "source/packet.h"
#include "stats.h"
#include "stream/protocol_switch.h"
#include "tcp/reassembler.h"

namespace flowtap {

struct PipelineOptions {
  decode::DecodeOptions decode;
  std::vector<uint16_t> ports;
  std::vector<decode::Address> addresses;
  tcp::ReassemblyOptions tcp;
  http::HttpOptions http;
  delivery::WhenFull whenFull = delivery::WhenFull::wait;
};

class Pipeline final : public source::PacketSink {
 public:
  /// `handedOver` is called whenever a batch was put into the mailbox.
  Pipeline(const PipelineOptions& options, delivery::Mailbox& mailbox, std::function<void()> handedOver);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void packets(const source::Packet* burst, size_t count) override;
  /// The source pauses: declares what is overdue at `nowNs` and hands over what is finished if the consumer has nothing
  /// else.
  void pause(int64_t nowNs);
  /// Time of the newest packet, 0 before the first.
  int64_t packetTimeNs() const { return packetTimeNs_; }
  /// The input is over: finishes everything and hands it over.
  void finish();

  const Stats& stats() const { return stats_; }
  Stats& stats() { return stats_; }

 private:
  Stats stats_;
  delivery::BatchWriter writer_;
  http::Http1Handler http1_;
  stream::ProtocolSwitch switch_;
  tcp::Reassembler reassembler_;
  decode::Decoder decoder_;
  decode::Selector selector_;
  int64_t packetTimeNs_ = 0;
};

}  // namespace flowtap
