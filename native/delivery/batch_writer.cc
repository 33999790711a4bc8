#include "delivery/batch_writer.h"

#include <cstring>
#include <utility>

namespace flowtap::delivery {

namespace {

/// Bodies from this size on get a buffer of their own.
constexpr size_t separateBodyBytes = 64 * 1024;

bool writesWide(const http::Message& message) {
  return message.headLength > UINT16_MAX || message.trailerStore.size() > UINT16_MAX;
}

uint16_t flagsOf(const http::Message& message, bool wide) {
  return static_cast<uint16_t>(message.flags | (wide ? http::flag::wideOffsets : 0));
}

}  // namespace

void BatchWriter::deliver(http::Connection& connection, http::Message& message, uint64_t requestId) {
  message.id = outbox_.idOf(++lastId_);
  message.dropped = message.follows ? lastDropped_ : !outbox_.makeRoom();
  lastDropped_ = message.dropped;
  if (message.dropped) return;

  stats_.delivery_messagesDelivered++;
  const uint32_t connectionOffset = writeConnection(connection);
  const bool wide = writesWide(message);

  Record& record = outbox_.records().add<Record>();
  record.id = static_cast<double>(message.id);
  record.requestId = static_cast<double>(requestId);
  record.startTimeNs = message.startNs;
  record.endTimeNs = message.endNs;
  record.bodyLength = static_cast<double>(message.bodyLength);
  record.missingBytes = static_cast<double>(message.missingBytes);
  record.kind = static_cast<uint8_t>(message.kind);
  record.protocol = static_cast<uint8_t>(http::Protocol::http1);
  record.integrity = static_cast<uint8_t>(message.integrity);
  record.httpVersion = message.version;
  record.flags = flagsOf(message, wide);
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
  writeTrailers(record, message, wide);

  record.bodyKeptLength = static_cast<uint32_t>(message.bodyKept);
  if (message.bodyKept >= separateBodyBytes && !message.bodyStore.empty()) {
    record.bodyBuffer = outbox_.attach(std::move(message.bodyStore), message.bodyKept);
  } else {
    record.bodyOffset = outbox_.append(message.body, message.bodyKept);
  }
}

void BatchWriter::body(http::Message& message, const uint8_t* bytes, size_t length) {
  if (!outbox_.makeRoom()) {
    message.bodyNotSent += length;
    stats_.http_bodyBytesCut += length;
    return;
  }
  tellNotSent(message);
  // Bytes of packets that followed each other become one chunk.
  Continuation* last = outbox_.continuations().last<Continuation>();
  const bool grows = last != nullptr && last->kind == static_cast<uint8_t>(ContinuationKind::body) &&
                     last->id == static_cast<double>(message.id) &&
                     last->bytesOffset + static_cast<size_t>(last->length) == outbox_.arenaEnd();
  Continuation& chunk = grows ? *last : addContinuation(ContinuationKind::body, message.id, message.endNs);
  if (!grows) chunk.bytesOffset = static_cast<uint32_t>(outbox_.arenaEnd());
  outbox_.append(bytes, length);
  chunk.length += static_cast<double>(length);
  chunk.timeNs = message.endNs;
}

void BatchWriter::bodyGap(http::Message& message, uint64_t length) {
  tellNotSent(message);
  addGap(message, length, false);
}

void BatchWriter::finish(http::Message& message) {
  // Whatever room there is: whoever follows a body must see its end, and there is one a message that was delivered.
  tellNotSent(message);
  const bool wide = writesWide(message);
  Continuation& end = addContinuation(ContinuationKind::end, message.id, message.endNs);
  end.length = static_cast<double>(message.bodyLength);
  end.missingBytes = static_cast<double>(message.missingBytes);
  end.suspicious = message.suspicious;
  end.flags = flagsOf(message, wide);
  end.integrity = static_cast<uint8_t>(message.integrity);
  writeTrailers(end, message, wide);
}

void BatchWriter::unanswered(uint64_t requestId, http::NoResponse reason, int64_t timeNs) {
  addContinuation(ContinuationKind::unanswered, requestId, timeNs).reason = static_cast<uint8_t>(reason);
}

Continuation& BatchWriter::addContinuation(ContinuationKind kind, uint64_t id, int64_t timeNs) {
  Continuation& continuation = outbox_.continuations().add<Continuation>();
  continuation.kind = static_cast<uint8_t>(kind);
  continuation.id = static_cast<double>(id);
  continuation.timeNs = timeNs;
  return continuation;
}

void BatchWriter::addGap(const http::Message& message, uint64_t length, bool dropped) {
  Continuation& gap = addContinuation(ContinuationKind::gap, message.id, message.endNs);
  gap.length = static_cast<double>(length);
  gap.reason = dropped ? 1 : 0;
}

void BatchWriter::tellNotSent(http::Message& message) {
  if (message.bodyNotSent == 0) return;
  addGap(message, message.bodyNotSent, true);
  message.bodyNotSent = 0;
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

template <typename RecordOrContinuation>
void BatchWriter::writeTrailers(RecordOrContinuation& into, const http::Message& message, bool wide) {
  into.trailerLength = static_cast<uint32_t>(message.trailerStore.size());
  into.trailerOffset = outbox_.append(message.trailerStore.data(), message.trailerStore.size());
  into.trailersCount = static_cast<uint32_t>(message.trailerFields.size());
  into.trailersOffset = writeTable(message.trailerFields.data(), message.trailerFields.size(), wide);
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
