#include "stages.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "decode/decoder.h"
#include "tcp/reassembler.h"

namespace bench {

using flowtap::Stats;
using flowtap::decode::Decoder;
using flowtap::decode::DecodeResult;
using flowtap::decode::Segment;
using flowtap::source::Packet;
using flowtap::source::PacketSink;
using flowtap::source::PacketSource;
using flowtap::source::ReadStatus;

namespace {

class CountPackets final : public PacketSink {
 public:
  void packets(const Packet* burst, size_t count) override {
    packets_ += count;
    for (size_t index = 0; index < count; index++) bytes_ += burst[index].capturedLength;
  }
  void report(JsonLine& line) const {
    line.number("packets", packets_);
    line.number("packetBytes", bytes_);
  }

 private:
  uint64_t packets_ = 0;
  uint64_t bytes_ = 0;
};

class DecodePackets final : public PacketSink {
 public:
  void packets(const Packet* burst, size_t count) override {
    Segment segment;
    for (size_t index = 0; index < count; index++)
      if (decoder_.decode(burst[index], segment) == DecodeResult::segment) payloadBytes_ += segment.payloadLength;
    decoder_.releaseDatagrams();
  }
  void report(JsonLine& line) const {
    line.number("packets", stats_.packets_received);
    line.number("packetBytes", stats_.packets_bytes);
    line.number("segments", stats_.packets_decoded);
    line.number("payloadBytes", payloadBytes_);
  }

 private:
  Stats stats_;
  Decoder decoder_{{}, stats_};
  uint64_t payloadBytes_ = 0;
};

/// Hears everything and does nothing.
class CountStreams final : public flowtap::tcp::StreamListener {
 public:
  using Info = flowtap::tcp::ConnectionInfo;
  using Side = flowtap::tcp::Side;
  void open(Info&, int64_t) override { opened++; }
  void data(Info&, Side, uint64_t, const uint8_t*, size_t length, int64_t) override { dataBytes += length; }
  void gap(Info&, Side, uint64_t, uint64_t length, flowtap::tcp::GapCause, int64_t) override { gapBytes += length; }
  void conflict(Info&, Side, uint64_t, uint64_t, flowtap::tcp::ConflictAt) override {}
  void end(Info&, Side, int64_t) override {}
  void close(Info&, flowtap::tcp::CloseReason, int64_t) override {}

  uint64_t opened = 0;
  uint64_t dataBytes = 0;
  uint64_t gapBytes = 0;
};

class ReassemblePackets final : public PacketSink {
 public:
  void packets(const Packet* burst, size_t count) override {
    segments_.resize(count);
    size_t decoded = 0;
    for (size_t index = 0; index < count; index++) {
      if (decoder_.decode(burst[index], segments_[decoded]) != DecodeResult::segment) continue;
      reassembler_.prefetch(segments_[decoded++]);
    }
    for (size_t index = 0; index < decoded; index++) reassembler_.segment(segments_[index]);
    decoder_.releaseDatagrams();
    lastNs_ = std::max(lastNs_, burst[count - 1].timestampNs);
  }
  void pause() { reassembler_.advance(lastNs_); }
  void finish() { reassembler_.finish(lastNs_); }
  void report(JsonLine& line) const {
    line.number("packets", stats_.packets_received);
    line.number("packetBytes", stats_.packets_bytes);
    line.number("segments", stats_.packets_decoded);
    line.number("connections", streams_.opened);
    line.number("dataBytes", streams_.dataBytes);
    line.number("gapBytes", streams_.gapBytes);
  }

 private:
  Stats stats_;
  CountStreams streams_;
  Decoder decoder_{{}, stats_};
  flowtap::tcp::Reassembler reassembler_{{}, streams_, stats_};
  std::vector<Segment> segments_;
  int64_t lastNs_ = 0;
};

}  // namespace

bool drain(PacketSource& source, PacketSink& sink, const std::function<void()>& afterRead) {
  for (;;) {
    const ReadStatus status = source.read(sink, 1000);
    if (status == ReadStatus::end) return true;
    if (status != ReadStatus::failed) {
      afterRead();
      continue;
    }
    std::fprintf(stderr, "%s: %s\n", source.error().code.c_str(), source.error().message.c_str());
    return false;
  }
}

bool readOnly(PacketSource& source, JsonLine& line) {
  CountPackets sink;
  if (!drain(source, sink, [] {})) return false;
  sink.report(line);
  return true;
}

bool readAndDecode(PacketSource& source, JsonLine& line) {
  DecodePackets sink;
  if (!drain(source, sink, [] {})) return false;
  sink.report(line);
  return true;
}

bool readDecodeAndReassemble(PacketSource& source, JsonLine& line) {
  ReassemblePackets sink;
  if (!drain(source, sink, [&sink] { sink.pause(); })) return false;
  sink.finish();
  sink.report(line);
  return true;
}

}  // namespace bench
