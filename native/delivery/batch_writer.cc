#include "delivery/batch_writer.h"

#include <cstring>
#include <utility>

namespace flowtap::delivery {

namespace {

/// Bodies from this size on get a buffer of their own.
constexpr size_t separateBodyBytes = 64 * 1024;

}  // namespace

uint64_t BatchWriter::deliver(http::Connection& connection, http::Message& message, uint64_t requestId) {
  const uint64_t id = ++lastId_;
  if (!outbox_.makeRoom()) {
    stats_.delivery_messagesDropped++;
    return id;
  }

  stats_.delivery_messagesDelivered++;
  const uint32_t connectionOffset = writeConnection(connection);
  const bool wide = message.headLength > UINT16_MAX || message.trailerStore.size() > UINT16_MAX;

  Record& record = outbox_.records().add<Record>();
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
  record.headLength = message.headLength;
  record.methodLength = message.methodLength;
  record.textOffset = message.textOffset;
  record.textLength = message.textLength;
  record.hostIndex = message.hostIndex;
  record.suspicious = message.suspicious;

  record.headOffset = outbox_.append(message.head, message.headLength);
  record.headersCount = message.fieldCount;
  record.headersOffset = writeTable(message.fields, message.fieldCount, wide);
  record.trailerLength = static_cast<uint32_t>(message.trailerStore.size());
  record.trailerOffset = outbox_.append(message.trailerStore.data(), message.trailerStore.size());
  record.trailersCount = static_cast<uint32_t>(message.trailerFields.size());
  record.trailersOffset = writeTable(message.trailerFields.data(), message.trailerFields.size(), wide);

  record.bodyKeptLength = static_cast<uint32_t>(message.bodyKept);
  if (message.bodyKept >= separateBodyBytes && !message.bodyStore.empty()) {
    record.bodyBuffer = outbox_.attach(std::move(message.bodyStore), message.bodyKept);
  } else {
    record.bodyOffset = outbox_.append(message.body, message.bodyKept);
  }
  return id;
}

uint32_t BatchWriter::writeConnection(http::Connection& connection) {
  if (connection.batchNumber == outbox_.batchNumber()) return connection.batchConnectionOffset;
  const tcp::Side client = connection.clientSide == 1 ? 1 : 0;
  Connection entry = connectionEntry(*connection.info, client);
  if (const auto& proxied = connection.proxied) {
    std::memcpy(entry.proxiedSource, proxied->source.words, 16);
    std::memcpy(entry.proxiedDestination, proxied->destination.words, 16);
    entry.proxiedSourcePort = proxied->sourcePort;
    entry.proxiedDestinationPort = proxied->destinationPort;
    entry.proxiedIpVersion = proxied->ipVersion;
  }
  connection.batchConnectionOffset = outbox_.append(entry);
  connection.batchNumber = outbox_.batchNumber();
  return connection.batchConnectionOffset;
}

uint32_t BatchWriter::writeTable(const http1::FieldSpan* fields, size_t count, bool wide) {
  uint32_t offset = 0;
  if (wide) {
    uint8_t* table = outbox_.extendAligned(count * sizeof(http1::FieldSpan), offset);
    if (count != 0) std::memcpy(table, fields, count * sizeof(http1::FieldSpan));
    return offset;
  }
  auto* narrow = reinterpret_cast<uint16_t*>(outbox_.extendAligned(count * 4 * sizeof(uint16_t), offset));
  for (size_t i = 0; i < count; i++) {
    narrow[4 * i] = static_cast<uint16_t>(fields[i].nameStart);
    narrow[4 * i + 1] = static_cast<uint16_t>(fields[i].nameEnd);
    narrow[4 * i + 2] = static_cast<uint16_t>(fields[i].valueStart);
    narrow[4 * i + 3] = static_cast<uint16_t>(fields[i].valueEnd);
  }
  return offset;
}

}  // namespace flowtap::delivery
