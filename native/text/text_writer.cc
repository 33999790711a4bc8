#include "text/text_writer.h"

#include <algorithm>

namespace flowtap::text {

using delivery::BatchReader;
using delivery::Record;
namespace flag = http::flag;

uint32_t TextWriter::append(TextBuffer& out, const BatchReader& batch, uint32_t from, uint32_t to) {
  tally_ = {};
  const uint32_t end = std::min(to, batch.recordCount());
  for (uint32_t i = from; i < end; i++) {
    const Record record = batch.record(i);
    if (!appendOne(out, batch, record)) return i;
    count(record);
  }
  return std::max(from, end);
}

bool TextWriter::appendOne(TextBuffer& out, const BatchReader& batch, const Record& record) {
  switch (form_) {
    case Form::lines:
      return lines_.append(out, batch, record);
    case Form::blocks:
      return appendBlock(out, batch, record);
    case Form::rows:
      return rows_.append(out, batch, record);
  }
  return false;
}

void TextWriter::pass(TextBuffer& out, const BatchReader& batch) {
  if (form_ == Form::rows) {
    rows_.appendUnanswered(out, batch);
    tally_.exchanges = rows_.count();
    rows_.resetCount();
    return;
  }
  for (uint32_t i = 0; i < batch.continuationCount(); i++) {
    const delivery::Continuation told = batch.continuation(i);
    if (told.kind == static_cast<uint8_t>(delivery::ContinuationKind::unanswered))
      waiting_.remove(static_cast<uint64_t>(told.id));
  }
}

bool TextWriter::appendBlock(TextBuffer& out, const BatchReader& batch, const Record& record) {
  asked_ = {};
  if (record.kind == static_cast<uint8_t>(http::Kind::request)) {
    waiting_.add(static_cast<uint64_t>(record.id), record.startTimeNs);
  } else {
    const auto id = static_cast<uint64_t>(record.requestId);
    asked_.known = waiting_.find(id, asked_.startNs);
    if ((record.flags & flag::interim) == 0) waiting_.remove(id);
  }
  return blocks_.append(out, batch, record, asked_);
}

void TextWriter::count(const Record& record) {
  (record.kind == static_cast<uint8_t>(http::Kind::request) ? tally_.requests : tally_.responses)++;
  if (record.integrity != static_cast<uint8_t>(http::Integrity::complete)) tally_.incomplete++;
  if ((record.flags & flag::bodyTruncated) != 0) tally_.cut++;
}

}  // namespace flowtap::text
