#include "text/exchange_rows.h"

#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "text/connection_text.h"

namespace flowtap::text {

using delivery::BatchReader;
using delivery::Bytes;
using delivery::Continuation;
using delivery::FieldSpan;
using delivery::Record;
using delivery::Section;
namespace flag = http::flag;

namespace {

/// As lib/requests.ts: of more, the oldest are told without a response.
constexpr size_t maxWaitingBytes = size_t{32} << 20;
/// What a request takes besides its words.
constexpr size_t waitingBytes = 192;

double bytesOf(const Record& record) { return record.headLength + record.bodyLength; }

double positive(int64_t from, int64_t to) {
  int64_t ns;
  return __builtin_sub_overflow(to, from, &ns) || ns < 0 ? 0 : static_cast<double>(ns);
}

}  // namespace

bool ExchangeRows::append(TextBuffer& out, const BatchReader& batch, const Record& record) {
  if ((record.flags & flag::streaming) != 0) return false;
  if (record.kind == static_cast<uint8_t>(http::Kind::request)) return wait(out, batch, record);
  return (record.flags & flag::interim) != 0 || answer(out, batch, record);
}

void ExchangeRows::appendUnanswered(TextBuffer& out, const BatchReader& batch) {
  for (uint32_t i = 0; i < batch.continuationCount(); i++) {
    const Continuation told = batch.continuation(i);
    if (told.kind == static_cast<uint8_t>(delivery::ContinuationKind::unanswered))
      forget(out, static_cast<uint64_t>(told.id));
  }
}

bool ExchangeRows::readRequest(const BatchReader& batch, const Record& record, Request& into) const {
  Section head;
  delivery::Connection connection;
  if (!batch.head(record, head) || !batch.connection(record, connection)) return false;
  Bytes host;
  FieldSpan span;
  if (record.hostIndex != 0 && record.hostIndex <= head.count && head.field(record.hostIndex - 1, span))
    host = {head.bytes.data + span.valueStart, span.valueEnd - span.valueStart};
  uint8_t server[maxConnectionText];
  Pen pen(server);
  writeServer(pen, connection);
  const Bytes words[4] = {{head.bytes.data + record.startLineOffset, record.methodLength},
                          {head.bytes.data + record.textOffset, record.textLength},
                          host,
                          {server, static_cast<size_t>(pen.at() - server)}};
  into.startNs = record.startTimeNs;
  into.endNs = record.endTimeNs;
  into.bytes = bytesOf(record);
  into.words.clear();
  for (int i = 0; i < 4; i++) {
    into.lengths[i] = static_cast<uint32_t>(words[i].length);
    if (words[i].length != 0) into.words.append(reinterpret_cast<const char*>(words[i].data), words[i].length);
  }
  return true;
}

bool ExchangeRows::wait(TextBuffer& out, const BatchReader& batch, const Record& record) {
  Request request;
  if (!readRequest(batch, record, request)) return false;
  waitingBytes_ += request.words.size() + waitingBytes;
  waiting_.insert_or_assign(waiting_.end(), static_cast<uint64_t>(record.id), std::move(request));
  while (waitingBytes_ > maxWaitingBytes && !waiting_.empty()) forget(out, waiting_.begin()->first);
  return true;
}

bool ExchangeRows::answer(TextBuffer& out, const BatchReader& batch, const Record& record) {
  ExchangeRow row{};
  row.status = record.status;
  row.responseBytes = bytesOf(record);
  const auto found = waiting_.find(static_cast<uint64_t>(record.requestId));
  if (found == waiting_.end()) {
    delivery::Connection connection;
    if (!batch.connection(record, connection)) return false;
    uint8_t server[maxConnectionText];
    Pen pen(server);
    writeServer(pen, connection);
    Request none{};
    none.words.assign(reinterpret_cast<const char*>(server), static_cast<size_t>(pen.at() - server));
    none.lengths[3] = static_cast<uint32_t>(none.words.size());
    row.startNs = record.startTimeNs;
    row.waitNs = std::nan("");
    row.totalNs = std::nan("");
    write(out, row, none);
    return true;
  }
  const Request& request = found->second;
  row.hasRequest = 1;
  row.startNs = request.startNs;
  row.requestBytes = request.bytes;
  row.waitNs = positive(request.endNs, record.startTimeNs);
  row.totalNs = positive(request.startNs, record.endTimeNs);
  write(out, row, request);
  waitingBytes_ -= request.words.size() + waitingBytes;
  waiting_.erase(found);
  return true;
}

void ExchangeRows::forget(TextBuffer& out, uint64_t id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  const Request& request = found->second;
  ExchangeRow row{};
  row.hasRequest = 1;
  row.startNs = request.startNs;
  row.requestBytes = request.bytes;
  row.waitNs = std::nan("");
  row.totalNs = std::nan("");
  write(out, row, request);
  waitingBytes_ -= request.words.size() + waitingBytes;
  waiting_.erase(found);
}

void ExchangeRows::write(TextBuffer& out, ExchangeRow row, const Request& request) {
  row.methodLength = request.lengths[0];
  row.targetLength = request.lengths[1];
  row.hostLength = request.lengths[2];
  row.serverLength = request.lengths[3];
  const size_t length = (request.words.size() + 7) & ~size_t{7};
  uint8_t* const at = out.extend(sizeof row + length);
  std::memcpy(at, &row, sizeof row);
  std::memset(at + sizeof row + request.words.size(), 0, length - request.words.size());
  Pen(at + sizeof row).write(std::string_view(request.words));
  count_++;
}

}  // namespace flowtap::text
