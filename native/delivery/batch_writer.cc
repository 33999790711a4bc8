#include "delivery/batch_writer.h"

#include <algorithm>
#include <cstring>

namespace flowtap::delivery {

namespace {

/// A kept message pins its batch, so batches are small.
constexpr size_t maxRecords = 256;
constexpr size_t maxBatchBytes = 256 * 1024;
/// Bodies from this size on get a buffer of their own.
constexpr size_t separateBodyBytes = 64 * 1024;

}  // namespace

BatchWriter::BatchWriter(Mailbox& mailbox, WhenFull whenFull, Stats& stats, std::function<void()> handedOver)
    : mailbox_(mailbox), whenFull_(whenFull), stats_(stats), handedOver_(std::move(handedOver)) {
  batch_ = mailbox_.blank();
}

uint64_t BatchWriter::deliver(http::Connection& connection, http::Message& message, uint64_t requestId) {
  const uint64_t id = ++lastId_;
  if (batch_->records.size() >= maxRecords || batch_->totalBytes() >= maxBatchBytes) {
    if (whenFull_ == WhenFull::drop) {
      if (!mailbox_.hasRoom()) {
        stats_.delivery_messagesDropped++;
        return id;
      }
    } else if (!mailbox_.waitForRoom()) {
      stats_.delivery_messagesDropped++;
      return id;
    }
    flush();
  }

  stats_.delivery_messagesDelivered++;
  const uint32_t connectionOffset = writeConnection(connection);
  const bool wide = message.headLength > UINT16_MAX || message.trailerStore.size() > UINT16_MAX;

  Record& record = batch_->records.emplace_back();
  record.id = static_cast<double>(id);
  record.requestId = static_cast<double>(requestId);
  record.startTimeNs = message.startNs;
  record.endTimeNs = message.endNs;
  record.bodyLength = static_cast<double>(message.bodyLength);
  record.missingBytes = static_cast<double>(message.missingBytes);
  record.kind = static_cast<uint8_t>(message.kind);
  record.protocol = static_cast<uint8_t>(http::Protocol::http1);
  record.integrity = static_cast<uint8_t>(message.integrity);
  record.httpVersion = message.version;
  record.flags = static_cast<uint16_t>(message.flags | (wide ? http::flag::wideOffsets : 0));
  record.status = message.status;
  record.connectionOffset = connectionOffset;
  record.streamId = 0;
  record.headLength = message.headLength;
  record.methodLength = message.methodLength;
  record.startLineOffset = 0;
  record.textOffset = message.textOffset;
  record.textLength = message.textLength;
  record.hostIndex = message.hostIndex;
  record.suspicious = 0;
  record.reserved = 0;

  record.headOffset = appendArena(message.head, message.headLength);
  record.headersCount = message.fieldCount;
  writeTable(message.fields, message.fieldCount, wide, record.headersOffset);
  record.trailerLength = static_cast<uint32_t>(message.trailerStore.size());
  record.trailerOffset = appendArena(message.trailerStore.data(), message.trailerStore.size());
  record.trailersCount = static_cast<uint32_t>(message.trailerFields.size());
  writeTable(message.trailerFields.data(), message.trailerFields.size(), wide, record.trailersOffset);

  record.bodyKeptLength = static_cast<uint32_t>(message.bodyKept);
  if (message.bodyKept >= separateBodyBytes && !message.bodyStore.empty()) {
    batch_->bodyBytes += message.bodyKept;
    batch_->bodies.push_back(std::move(message.bodyStore));
    record.bodyOffset = 0;
    record.bodyBuffer = static_cast<uint32_t>(batch_->bodies.size());
  } else {
    record.bodyOffset = appendArena(message.body, message.bodyKept);
    record.bodyBuffer = 0;
  }
  return id;
}

uint32_t BatchWriter::writeConnection(http::Connection& connection) {
  if (connection.batchNumber == batchNumber_) return connection.batchConnectionOffset;
  const tcp::ConnectionInfo& info = *connection.info;
  const int client = connection.clientSide == 1 ? 1 : 0;
  Connection entry{};
  entry.id = static_cast<double>(info.id);
  std::memcpy(entry.clientAddress, info.address[client].words, 16);
  std::memcpy(entry.serverAddress, info.address[1 - client].words, 16);
  entry.clientPort = info.port[client];
  entry.serverPort = info.port[1 - client];
  entry.vlan = info.vlan;
  entry.ipVersion = info.ipVersion;
  entry.handshakeSeen = info.initiator == client;
  entry.openTimeNs = info.openTimeNs;
  alignArena();
  connection.batchConnectionOffset = appendArena(reinterpret_cast<const uint8_t*>(&entry), sizeof entry);
  connection.batchNumber = batchNumber_;
  return connection.batchConnectionOffset;
}

void BatchWriter::writeTable(const http1::FieldSpan* fields, size_t count, bool wide, uint32_t& offset) {
  alignArena();
  offset = static_cast<uint32_t>(batch_->arena.size());
  if (wide) {
    appendArena(reinterpret_cast<const uint8_t*>(fields), count * sizeof(http1::FieldSpan));
    return;
  }
  // The arena is aligned to 8 bytes here.
  auto* narrow = reinterpret_cast<uint16_t*>(batch_->arena.extend(count * 4 * sizeof(uint16_t)));
  for (size_t i = 0; i < count; i++) {
    narrow[4 * i] = static_cast<uint16_t>(fields[i].nameStart);
    narrow[4 * i + 1] = static_cast<uint16_t>(fields[i].nameEnd);
    narrow[4 * i + 2] = static_cast<uint16_t>(fields[i].valueStart);
    narrow[4 * i + 3] = static_cast<uint16_t>(fields[i].valueEnd);
  }
}

uint32_t BatchWriter::appendArena(const uint8_t* bytes, size_t length) {
  const size_t at = batch_->arena.size();
  batch_->arena.append(bytes, length);
  return static_cast<uint32_t>(at);
}

void BatchWriter::alignArena() {
  const size_t size = batch_->arena.size();
  const size_t padding = (8 - (size & 7)) & 7;
  if (padding != 0) std::memset(batch_->arena.extend(padding), 0, padding);
}

void BatchWriter::flushIfIdle() {
  if (!batch_->records.empty() && mailbox_.empty()) flush();
}

void BatchWriter::flush() {
  if (batch_->records.empty()) return;
  stats_.delivery_batches++;
  mailbox_.put(std::move(batch_));
  batch_ = mailbox_.blank();
  batchNumber_++;
  handedOver_();
}

}  // namespace flowtap::delivery
