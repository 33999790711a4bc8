// A capture file through all stages to batches. The last byte chooses options and the size of bursts, so that seeds can
// be plain capture files. The accounts hold after every burst, batches are well-formed, and how packets fall into
// bursts makes no difference to the messages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fuzz/accounts.h"
#include "pipeline.h"
#include "source/capture_parser.h"
#include "text/text_writer.h"

using namespace flowtap;
using fuzz::require;
using fuzz::requireEqual;

namespace {

namespace option {
constexpr uint8_t smallLimits = 1;
constexpr uint8_t withoutBodies = 2;
constexpr uint8_t selected = 4;
constexpr uint8_t drops = 8;
constexpr uint8_t checksums = 16;
constexpr uint8_t pauses = 32;
}  // namespace option

PipelineOptions optionsOf(uint8_t shape) {
  PipelineOptions options;
  options.decode.maxFragmentBytes = 100'000;
  options.decode.verifyChecksums = (shape & option::checksums) != 0;
  if ((shape & option::selected) != 0) options.ports = {80, 8080, 8000};
  if ((shape & option::smallLimits) != 0) {
    options.tcp.maxConnections = 3;
    options.tcp.maxBufferedBytes = 8192;
    options.tcp.maxBufferedBytesPerDirection = 6000;
    options.tcp.reorderSegments = 2;
    options.tcp.idleTimeoutNs = 1'000'000'000;
    options.http.parser.maxHeadBytes = 512;
    options.http.parser.maxFields = 8;
    options.http.maxBodyBytes = 100;
    options.http.parser.maxPendingBytes = 4096;
  }
  if ((shape & option::withoutBodies) != 0)
    options.http.body = (shape & option::checksums) != 0 ? http::BodyMode::stream : http::BodyMode::none;
  options.whenFull = (shape & option::drops) != 0 ? delivery::WhenFull::drop : delivery::WhenFull::wait;
  return options;
}

/// Reads batches as JavaScript would, and holds them to what record.h says.
class Reader {
 public:
  void read(const delivery::Batch& batch) {
    std::vector<uint8_t> buffer(batch.bufferSize());
    batch.write(buffer.data());
    delivery::BatchHeader header;
    std::memcpy(&header, buffer.data(), sizeof header);
    require(header.recordCount + header.continuationCount != 0, "no batch is empty");
    const size_t arena = header.recordsOffset;
    require(arena + header.recordCount * sizeof(delivery::Record) == header.continuationsOffset,
            "continuations follow the records");
    require(header.continuationsOffset + header.continuationCount * sizeof(delivery::Continuation) == buffer.size(),
            "continuations end the buffer");
    readContinuations(buffer, header);
    readText(batch, buffer);
    for (uint32_t i = 0; i < header.recordCount; i++) {
      delivery::Record record;
      std::memcpy(&record, buffer.data() + arena + i * sizeof record, sizeof record);
      const auto inArena = [&](uint64_t offset, uint64_t length) {
        require(offset + length <= arena, "inside of the arena");
        addToDigest(buffer.data() + offset, length);
      };
      require(record.id > lastId_, "ids ascend");
      lastId_ = record.id;
      messages++;
      inArena(record.connectionOffset, sizeof(delivery::Connection));
      inArena(record.headOffset, record.headLength);
      inArena(record.trailerOffset, record.trailerLength);
      const size_t entry = (record.flags & http::flag::wideOffsets) != 0 ? 16 : 8;
      inArena(record.headersOffset, record.headersCount * entry);
      inArena(record.trailersOffset, record.trailersCount * entry);
      require(record.textOffset + uint64_t{record.textLength} <= record.headLength, "text inside of the head");
      require(record.methodLength <= record.headLength, "method inside of the head");
      require(record.bodyKeptLength <= record.bodyLength, "no more of a body is kept than there was");
      if (record.bodyBuffer == 0) {
        inArena(record.bodyOffset, record.bodyKeptLength);
      } else {
        require(record.bodyBuffer <= batch.bodies.size(), "a body that the batch has");
        const ByteBuffer& body = batch.bodies[record.bodyBuffer - 1];
        require(body.size() == record.bodyKeptLength, "a separate body is as long as it says");
        addToDigest(body.data(), body.size());
      }
      delivery::Connection connection;
      std::memcpy(&connection, buffer.data() + record.connectionOffset, sizeof connection);
      require(connection.ipVersion == 4 || connection.ipVersion == 6, "an IP version");
      if (record.kind == static_cast<uint8_t>(http::Kind::request)) connectionOf_[record.id] = connection.id;
      connections_.push_back(static_cast<uint64_t>(connection.id));
      if (record.requestId != 0) {
        const auto found = connectionOf_.find(record.requestId);
        require(record.requestId < record.id, "requests come first");
        // The request itself may have been dropped.
        require(found == connectionOf_.end() || found->second == connection.id, "paired inside of the connection");
      }
      const uint64_t numbers[] = {static_cast<uint64_t>(record.id),
                                  static_cast<uint64_t>(record.requestId),
                                  static_cast<uint64_t>(record.startTimeNs),
                                  static_cast<uint64_t>(record.endTimeNs),
                                  static_cast<uint64_t>(record.bodyLength),
                                  static_cast<uint64_t>(record.missingBytes),
                                  record.flags,
                                  record.integrity};
      addToDigest(reinterpret_cast<const uint8_t*>(numbers), sizeof numbers);
    }
  }

  /// Connections with messages since it was asked last.
  std::vector<uint64_t> takeConnections() { return std::exchange(connections_, {}); }
  uint64_t lastId() const { return static_cast<uint64_t>(lastId_); }

  uint64_t messages = 0;
  uint64_t digest = 14695981039346656037u;

 private:
  void readContinuations(const std::vector<uint8_t>& buffer, const delivery::BatchHeader& header) {
    for (uint32_t i = 0; i < header.continuationCount; i++) {
      delivery::Continuation c;
      std::memcpy(&c, buffer.data() + header.continuationsOffset + i * sizeof c, sizeof c);
      const auto inArena = [&](double offset, double length) {
        require(offset + length <= header.recordsOffset, "a continuation inside of the arena");
      };
      if (c.kind == static_cast<uint8_t>(delivery::ContinuationKind::body)) inArena(c.bytesOffset, c.length);
      const size_t entry = (c.flags & http::flag::wideOffsets) != 0 ? 16 : 8;
      inArena(c.trailerOffset, c.trailerLength);
      inArena(c.trailersOffset, static_cast<double>(c.trailersCount * entry));
    }
  }

  /// Whether it crossed or not, the text of a batch is the same.
  void readText(const delivery::Batch& batch, const std::vector<uint8_t>& buffer) {
    std::vector<delivery::Bytes> bodies;
    for (const ByteBuffer& body : batch.bodies) bodies.push_back({body.data(), body.size()});
    const delivery::BatchReader own(batch);
    const delivery::BatchReader crossed({buffer.data(), buffer.size()}, std::move(bodies));
    require(own.recordCount() == crossed.recordCount(), "as many records");
    for (size_t i = 0; i < std::size(writers_); i++) {
      text::TextBuffer text;
      text::TextBuffer same;
      for (uint32_t next = 0; next < own.recordCount(); next++) {
        const uint32_t from = next;
        next = writers_[i].append(text, own, from, UINT32_MAX);
        require(next == crossedWriters_[i].append(same, crossed, from, UINT32_MAX), "as far");
      }
      writers_[i].pass(text, own);
      crossedWriters_[i].pass(same, crossed);
      require(text.size() == same.size() && std::equal(text.data(), text.data() + text.size(), same.data()),
              "the same text");
    }
  }

  void addToDigest(const uint8_t* bytes, size_t length) {
    for (size_t i = 0; i < length; i++) digest = (digest ^ bytes[i]) * 1099511628211u;
  }

  text::TextWriter writers_[3] = {{text::Form::lines, false}, {text::Form::blocks, false}, {text::Form::rows, false}};
  text::TextWriter crossedWriters_[3] = {
      {text::Form::lines, false}, {text::Form::blocks, false}, {text::Form::rows, false}};
  double lastId_ = 0;
  std::vector<uint64_t> connections_;
  std::unordered_map<double, double> connectionOf_;
};

struct Outcome {
  uint64_t messages;
  uint64_t digest;
};

recording::RecordingOptions recordingOf(uint8_t shape) {
  recording::RecordingOptions recording;
  recording.output = {"/dev/null", true, "eth0", 0};
  recording.spoolDirectory = "/tmp";
  // With little room nearly everything is let go.
  recording.maxSpoolBytes = (shape & option::drops) != 0 ? 1000 : 1u << 20;
  return recording;
}

Outcome run(const uint8_t* data, size_t size, uint8_t shape, size_t capacity, bool records = false) {
  const bool drops = (shape & option::drops) != 0;
  delivery::Mailbox mailbox(drops ? 1 : 1u << 20);
  Reader reader;
  recording::Recorder* recorder = nullptr;
  const auto drain = [&] {
    while (auto batch = mailbox.take()) {
      reader.read(*batch);
      mailbox.recycle(std::move(batch));
    }
    if (recorder != nullptr) recorder->decide(reader.takeConnections(), reader.lastId());
  };
  PipelineOptions options = optionsOf(shape);
  if (records) options.recording = recordingOf(shape);
  Pipeline pipeline(options, mailbox, [&] {
    if (!drops) drain();
  });
  recorder = pipeline.recorder();
  if (records) require(recorder->open(false), "/dev/null can be written");
  source::CaptureParser parser;
  std::vector<source::Packet> burst(capacity);
  uint64_t packets = 0;
  for (size_t at = 0;;) {
    // Memory of its own, so that a read behind the last record is seen.
    const std::vector<uint8_t> window(data + at, data + size);
    const source::ParseResult result = parser.parse(window.data(), window.size(), burst.data(), capacity);
    at += result.consumed;
    packets += result.count;
    if (result.count != 0) pipeline.packets(burst.data(), result.count);
    fuzz::requireAccounts(pipeline.stats());
    if ((shape & (option::drops | option::pauses)) != 0) pipeline.pause(pipeline.packetTimeNs());
    if (drops && (packets & 8) == 0) drain();
    if (result.status != source::ParseStatus::full) break;
  }
  pipeline.finish();
  drain();
  if (records) recorder->finish();
  const Stats& stats = pipeline.stats();
  fuzz::requireAccounts(stats);
  fuzz::requireNothingOpen(stats);
  requireEqual(stats.packets_received, packets, "packets received");
  requireEqual(stats.delivery_messagesDelivered, reader.messages, "messages read");
  require(stats.write_packets + stats.write_packetsLetGo <= packets, "no packet is written twice");
  require(stats.write_connections <= stats.tcp_connectionsOpened, "connections that there were");
  requireEqual(stats.write_waitingBytes, 0, "bytes that wait at the end");
  if (records && stats.write_packetsLetGo == 0)
    requireEqual(stats.write_connections != 0, reader.messages + stats.delivery_messagesDropped != 0,
                 "what is delivered is written");
  if (!drops) requireEqual(stats.delivery_messagesDropped, 0, "messages dropped though the source waits");
  return {reader.messages, reader.digest};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint8_t choice = size > 0 ? data[size - 1] : 0;
  const Outcome large = run(data, size, choice, 256);
  const Outcome recorded = run(data, size, choice, 256, true);
  requireEqual(recorded.messages, large.messages, "messages while packets are recorded");
  requireEqual(recorded.digest, large.digest, "what they say while packets are recorded");
  // In a pause, what is overdue is declared: those are elsewhere with bursts of another size.
  if ((choice & (option::drops | option::pauses)) != 0) return 0;
  const Outcome small = run(data, size, choice, 1 + (choice >> 6));
  requireEqual(small.messages, large.messages, "messages with small bursts");
  requireEqual(small.digest, large.digest, "what messages say with small bursts");
  return 0;
}
