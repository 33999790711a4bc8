#include "json/message_lines.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "json/text.h"

namespace flowtap::json {

using delivery::Record;
namespace flag = http::flag;

namespace {

/// Field of a header table: offsets in the head.
struct Span {
  uint32_t nameStart;
  uint32_t nameEnd;
  uint32_t valueStart;
  uint32_t valueEnd;
};

Span spanAt(const uint8_t* table, uint32_t index, bool wide) {
  if (wide) {
    Span span;
    std::memcpy(&span, table + size_t{index} * sizeof span, sizeof span);
    return span;
  }
  uint16_t narrow[4];
  std::memcpy(narrow, table + size_t{index} * sizeof narrow, sizeof narrow);
  return {narrow[0], narrow[1], narrow[2], narrow[3]};
}

bool inside(const Span& span, size_t length) {
  return span.nameStart <= span.nameEnd && span.valueStart <= span.valueEnd && span.nameEnd <= length &&
         span.valueEnd <= length;
}

uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte; }

bool equalsIgnoringCase(const uint8_t* bytes, size_t length, std::string_view text) {
  return length == text.size() && std::equal(text.begin(), text.end(), bytes,
                                             [](char a, uint8_t b) { return static_cast<uint8_t>(a) == lower(b); });
}

/// 'scheme://' (RFC 3986, 3.1 and 3.2).
bool isAbsolute(const uint8_t* target, size_t length) {
  const auto isLetter = [](uint8_t byte) { return lower(byte) >= 'a' && lower(byte) <= 'z'; };
  if (length == 0 || !isLetter(target[0])) return false;
  size_t i = 1;
  while (i < length && (isLetter(target[i]) || (target[i] >= '0' && target[i] <= '9') || target[i] == '+' ||
                        target[i] == '.' || target[i] == '-'))
    i++;
  return length - i >= 3 && std::memcmp(target + i, "://", 3) == 0;
}

void appendVersion(ByteBuffer& out, uint8_t version) {
  appendNumber(out, version >> 4);
  append(out, ".");
  appendNumber(out, version & 15u);
}

constexpr std::string_view integrities[] = {"complete", "gap", "truncated", "aborted"};

/// Name and value pairs between brackets; false when it is not for this writer. `encoded` is set when there is a
/// content coding.
bool appendFields(ByteBuffer& out, const Bytes& section, const Bytes& table, uint32_t count, bool wide, bool& encoded) {
  append(out, "[");
  for (uint32_t i = 0; i < count; i++) {
    const Span span = spanAt(table.data, i, wide);
    if (!inside(span, section.length)) return false;
    const uint8_t* name = section.data + span.nameStart;
    const size_t nameLength = span.nameEnd - span.nameStart;
    if (equalsIgnoringCase(name, nameLength, "content-encoding")) encoded = true;
    append(out, i == 0 ? R"([")" : R"(,[")");
    appendLatin1(out, name, nameLength);
    append(out, R"(",")");
    appendLatin1(out, section.data + span.valueStart, span.valueEnd - span.valueStart);
    append(out, R"("])");
  }
  append(out, "]");
  return true;
}

void appendMarks(ByteBuffer& out, const Record& record) {
  append(out, R"(,"integrity":")");
  append(out, integrities[record.integrity & 3u]);
  append(out, "\"");
  if ((record.flags & flag::bodyTruncated) != 0) append(out, R"(,"bodyTruncated":true)");
  if (record.missingBytes > 0) {
    append(out, R"(,"missingBytes":)");
    appendNumber(out, static_cast<uint64_t>(record.missingBytes));
  }
  if ((record.flags & flag::conflict) != 0) append(out, R"(,"conflict":true)");
  if (record.suspicious == 0) return;
  append(out, R"(,"suspicious":[)");
  bool first = true;
  for (const auto& [name, bit] : http1::suspicionNames) {
    if ((record.suspicious & bit) == 0) continue;
    append(out, first ? "\"" : ",\"");
    append(out, name);
    append(out, "\"");
    first = false;
  }
  append(out, "]");
}

}  // namespace

MessageLines::MessageLines(const FinishedBatch& batch) : batch_(batch) {}

bool MessageLines::slice(uint64_t offset, uint64_t length, Bytes& into) const {
  if (offset + length > batch_.buffer.length) return false;
  into = {batch_.buffer.data + offset, static_cast<size_t>(length)};
  return true;
}

uint32_t MessageLines::append(ByteBuffer& out, uint32_t from, uint32_t to) {
  Bytes bytes;
  delivery::BatchHeader header;
  if (!slice(0, sizeof header, bytes)) return from;
  std::memcpy(&header, bytes.data, sizeof header);
  const uint32_t end = std::min(to, header.recordCount);
  for (uint32_t i = from; i < end; i++) {
    Record record;
    if (!slice(header.recordsOffset + uint64_t{i} * sizeof record, sizeof record, bytes)) return i;
    std::memcpy(&record, bytes.data, sizeof record);
    const size_t before = out.size();
    if (!appendMessage(out, record)) {
      out.truncate(before);
      return i;
    }
    json::append(out, "\n");
  }
  return end;
}

bool MessageLines::appendMessage(ByteBuffer& out, const Record& record) {
  if ((record.flags & (flag::obsFold | flag::streaming)) != 0) return false;
  const bool wide = (record.flags & flag::wideOffsets) != 0;
  const uint64_t entry = wide ? sizeof(Span) : sizeof(Span) / 2;
  Bytes head;
  Bytes headers;
  Bytes trailer;
  Bytes trailers;
  if (!slice(record.headOffset, record.headLength, head) ||
      !slice(record.headersOffset, record.headersCount * entry, headers) ||
      !slice(record.trailerOffset, record.trailerLength, trailer) ||
      !slice(record.trailersOffset, record.trailersCount * entry, trailers)) {
    return false;
  }
  if (uint64_t{record.textOffset} + record.textLength > head.length ||
      uint64_t{record.startLineOffset} + record.methodLength > head.length) {
    return false;
  }
  if (record.kind == static_cast<uint8_t>(http::Kind::request)) {
    json::append(out, R"({"kind":"request","id":)");
    appendNumber(out, static_cast<uint64_t>(record.id));
    if (!appendOrigin(out, record)) return false;
    appendRequestLine(out, record, head);
  } else {
    json::append(out, R"({"kind":"response","id":)");
    appendNumber(out, static_cast<uint64_t>(record.id));
    json::append(out, R"(,"requestId":)");
    if (record.requestId == 0)
      json::append(out, "null");
    else
      appendNumber(out, static_cast<uint64_t>(record.requestId));
    json::append(out, R"(,"status":)");
    appendNumber(out, record.status);
    json::append(out, R"(,"statusText":")");
    appendLatin1(out, head.data + record.textOffset, record.textLength);
    json::append(out, "\"");
    if (!appendOrigin(out, record)) return false;
  }
  json::append(out, R"(,"httpVersion":")");
  appendVersion(out, record.httpVersion);
  json::append(out, R"(","headers":)");
  bool encoded = false;
  bool encodedTrailer = false;
  if (!appendFields(out, head, headers, record.headersCount, wide, encoded)) return false;
  json::append(out, R"(,"trailers":)");
  if (!appendFields(out, trailer, trailers, record.trailersCount, wide, encodedTrailer)) return false;
  json::append(out, R"(,"bodyLength":)");
  appendNumber(out, static_cast<uint64_t>(record.bodyLength));
  if ((record.flags & flag::bodyKept) != 0) {
    if (encoded && record.bodyKeptLength != 0) return false;
    if (!appendBody(out, record)) return false;
  }
  appendMarks(out, record);
  json::append(out, "}");
  return true;
}

bool MessageLines::appendOrigin(ByteBuffer& out, const Record& record) {
  if (connection_.empty() || record.connectionOffset != connectionOffset_) {
    Bytes bytes;
    delivery::Connection connection;
    if (!slice(record.connectionOffset, sizeof connection, bytes)) return false;
    std::memcpy(&connection, bytes.data, sizeof connection);
    connection_.clear();
    json::append(connection_, R"(,"connection":)");
    appendConnection(connection_, connection);
    json::append(connection_, R"(,"startTime":")");
    connectionOffset_ = record.connectionOffset;
  }
  out.append(connection_.data(), connection_.size());
  times_.append(out, record.startTimeNs);
  json::append(out, R"(","endTime":")");
  times_.append(out, record.endTimeNs);
  json::append(out, "\"");
  return true;
}

void MessageLines::appendRequestLine(ByteBuffer& out, const Record& record, const Bytes& head) {
  json::append(out, R"(,"method":")");
  appendLatin1(out, head.data + record.startLineOffset, record.methodLength);
  json::append(out, R"(","target":")");
  appendLatin1(out, head.data + record.textOffset, record.textLength);
  json::append(out, R"(","url":)");
  appendUrl(out, record, head);
}

/// As lib/target.ts makes it.
void MessageLines::appendUrl(ByteBuffer& out, const Record& record, const Bytes& head) {
  const uint8_t* target = head.data + record.textOffset;
  const size_t length = record.textLength;
  Bytes host{nullptr, 0};
  if (record.hostIndex != 0 && record.hostIndex <= record.headersCount) {
    const Span span = spanAt(batch_.buffer.data + record.headersOffset, record.hostIndex - 1,
                             (record.flags & flag::wideOffsets) != 0);
    if (inside(span, head.length)) host = {head.data + span.valueStart, span.valueEnd - span.valueStart};
  }
  const auto quoted = [&](std::string_view scheme, const Bytes& authority, const Bytes& rest) {
    json::append(out, "\"");
    json::append(out, scheme);
    appendLatin1(out, authority.data, authority.length);
    appendLatin1(out, rest.data, rest.length);
    json::append(out, "\"");
  };
  const bool isConnect = record.methodLength == 7 && std::memcmp(head.data + record.startLineOffset, "CONNECT", 7) == 0;
  const bool isPath = length != 0 && target[0] == '/';
  if (isPath && host.length != 0)
    quoted("http://", host, {target, length});
  else if (!isPath && isAbsolute(target, length))
    quoted("", {nullptr, 0}, {target, length});
  else if (!isPath && isConnect && length != 0)
    quoted("http://", {target, length}, {nullptr, 0});
  else if (!isConnect && length == 1 && target[0] == '*' && host.length != 0)
    quoted("http://", host, {nullptr, 0});
  else
    json::append(out, "null");
}

bool MessageLines::appendBody(ByteBuffer& out, const Record& record) {
  Bytes body;
  if (record.bodyBuffer == 0) {
    if (!slice(record.bodyOffset, record.bodyKeptLength, body)) return false;
  } else {
    if (record.bodyBuffer > batch_.bodies.size()) return false;
    const Bytes& separate = batch_.bodies[record.bodyBuffer - 1];
    if (uint64_t{record.bodyOffset} + record.bodyKeptLength > separate.length) return false;
    body = {separate.data + record.bodyOffset, record.bodyKeptLength};
  }
  json::append(out, R"(,"body":")");
  if (isUtf8(body.data, body.length)) {
    appendUtf8(out, body.data, body.length);
    json::append(out, R"(","bodyEncoding":"utf8","bodyDecoded":false)");
  } else {
    appendBase64(out, body.data, body.length);
    json::append(out, R"(","bodyEncoding":"base64","bodyDecoded":false)");
  }
  return true;
}

}  // namespace flowtap::json
