#include "delivery/batch_reader.h"

#include <cstring>
#include <utility>

namespace flowtap::delivery {

BatchReader::BatchReader(Bytes buffer, std::vector<Bytes> bodies) : buffer_(buffer), bodies_(std::move(bodies)) {
  Bytes bytes;
  BatchHeader header;
  if (!slice(0, sizeof header, bytes)) return;
  std::memcpy(&header, bytes.data, sizeof header);
  if (slice(header.recordsOffset, header.recordCount * uint64_t{sizeof(Record)}, bytes)) {
    records_ = bytes.data;
    recordCount_ = header.recordCount;
  }
  if (slice(header.continuationsOffset, header.continuationCount * uint64_t{sizeof(Continuation)}, bytes)) {
    continuations_ = bytes.data;
    continuationCount_ = header.continuationCount;
  }
}

BatchReader::BatchReader(const Batch& batch)
    : buffer_{batch.arena.data(), batch.arena.size()},
      records_(batch.records.data()),
      continuations_(batch.continuations.data()),
      recordCount_(static_cast<uint32_t>(batch.records.size())),
      continuationCount_(static_cast<uint32_t>(batch.continuations.size())) {
  bodies_.reserve(batch.bodies.size());
  for (const ByteBuffer& body : batch.bodies) bodies_.push_back({body.data(), body.size()});
}

Record BatchReader::record(uint32_t index) const {
  Record record;
  std::memcpy(&record, records_ + size_t{index} * sizeof record, sizeof record);
  return record;
}

Continuation BatchReader::continuation(uint32_t index) const {
  Continuation continuation;
  std::memcpy(&continuation, continuations_ + size_t{index} * sizeof continuation, sizeof continuation);
  return continuation;
}

bool BatchReader::slice(uint64_t offset, uint64_t length, Bytes& into) const {
  if (offset + length > buffer_.length) return false;
  into = {buffer_.data + offset, static_cast<size_t>(length)};
  return true;
}

bool BatchReader::section(const Record& record, uint32_t tableOffset, uint32_t count, Section& into) const {
  into.wide_ = (record.flags & http::flag::wideOffsets) != 0;
  into.count = count;
  const uint64_t entry = into.wide_ ? sizeof(FieldSpan) : sizeof(FieldSpan) / 2;
  return slice(tableOffset, count * entry, into.table_);
}

bool BatchReader::head(const Record& record, Section& into) const {
  return slice(record.headOffset, record.headLength, into.bytes) &&
         section(record, record.headersOffset, record.headersCount, into) &&
         uint64_t{record.textOffset} + record.textLength <= into.bytes.length &&
         uint64_t{record.startLineOffset} + record.methodLength <= into.bytes.length;
}

bool BatchReader::trailers(const Record& record, Section& into) const {
  return slice(record.trailerOffset, record.trailerLength, into.bytes) &&
         section(record, record.trailersOffset, record.trailersCount, into);
}

bool BatchReader::connection(const Record& record, Connection& into) const {
  Bytes bytes;
  if (!slice(record.connectionOffset, sizeof into, bytes)) return false;
  std::memcpy(&into, bytes.data, sizeof into);
  return true;
}

bool BatchReader::body(const Record& record, Bytes& into) const {
  if (record.bodyBuffer == 0) return slice(record.bodyOffset, record.bodyKeptLength, into);
  if (record.bodyBuffer > bodies_.size()) return false;
  const Bytes& separate = bodies_[record.bodyBuffer - 1];
  if (uint64_t{record.bodyOffset} + record.bodyKeptLength > separate.length) return false;
  into = {separate.data + record.bodyOffset, record.bodyKeptLength};
  return true;
}

}  // namespace flowtap::delivery
