#include "text/message_lines.h"

#include <cstring>
#include <string_view>

#include "text/field_name.h"
#include "text/json.h"

namespace flowtap::text {

using delivery::BatchReader;
using delivery::Bytes;
using delivery::FieldSpan;
using delivery::Record;
using delivery::Section;
namespace flag = http::flag;

namespace {

/// Of a line without what came from the wire.
constexpr size_t maxFrameBytes = 2048;
/// Of a field: brackets, quotes and commas.
constexpr size_t fieldFrameBytes = 8;

/// What writes a string, and where it may read.
struct Strings {
  Pen& pen;
  const uint8_t* readable;

  void write(const uint8_t* bytes, size_t length) const { writeLatin1(pen, bytes, length, readable); }
  void write(const Bytes& bytes) const { write(bytes.data, bytes.length); }
};

/// 'scheme://' (RFC 3986, 3.1 and 3.2).
bool isAbsolute(const Bytes& target) {
  const auto isLetter = [](uint8_t byte) { return lower(byte) >= 'a' && lower(byte) <= 'z'; };
  if (target.length == 0 || !isLetter(target.data[0])) return false;
  size_t i = 1;
  while (i < target.length && (isLetter(target.data[i]) || (target.data[i] >= '0' && target.data[i] <= '9') ||
                               target.data[i] == '+' || target.data[i] == '.' || target.data[i] == '-'))
    i++;
  return target.length - i >= 3 && std::memcmp(target.data + i, "://", 3) == 0;
}

/// As lib/target.ts makes it.
void writeUrl(const Strings& strings, const Bytes& method, const Bytes& target, const Bytes& host) {
  const auto quoted = [&](std::string_view scheme, const Bytes& authority, const Bytes& rest) {
    strings.pen.put('"');
    strings.pen.write(scheme);
    strings.write(authority);
    strings.write(rest);
    strings.pen.put('"');
  };
  const bool isConnect = method.length == 7 && std::memcmp(method.data, "CONNECT", 7) == 0;
  const bool isPath = target.length != 0 && target.data[0] == '/';
  if (isPath && host.length != 0)
    quoted("http://", host, target);
  else if (!isPath && isAbsolute(target))
    quoted("", {}, target);
  else if (!isPath && isConnect && target.length != 0)
    quoted("http://", target, {});
  else if (!isConnect && target.length == 1 && target.data[0] == '*' && host.length != 0)
    quoted("http://", host, {});
  else
    strings.pen.write("null");
}

void writeRequestLine(const Strings& strings, const Record& record, const Section& head) {
  const Bytes method{head.bytes.data + record.startLineOffset, record.methodLength};
  const Bytes target{head.bytes.data + record.textOffset, record.textLength};
  Bytes host;
  FieldSpan span;
  if (record.hostIndex != 0 && record.hostIndex <= head.count && head.field(record.hostIndex - 1, span))
    host = {head.bytes.data + span.valueStart, span.valueEnd - span.valueStart};
  strings.pen.write(R"(,"method":")");
  strings.write(method);
  strings.pen.write(R"(","target":")");
  strings.write(target);
  strings.pen.write(R"(","url":)");
  writeUrl(strings, method, target, host);
}

/// Name and value pairs between brackets; false when they do not lie one behind the other. `encoded` is set when there
/// is a content coding.
bool writeFields(const Strings& strings, const Section& section, bool& encoded) {
  Pen& pen = strings.pen;
  uint32_t end = 0;
  pen.put('[');
  for (uint32_t i = 0; i < section.count; i++) {
    FieldSpan span;
    if (!section.field(i, span) || span.nameStart < end || span.valueStart < span.nameEnd) return false;
    end = span.valueEnd;
    const Bytes name{section.bytes.data + span.nameStart, span.nameEnd - span.nameStart};
    if (isContentEncoding(name.data, name.length)) encoded = true;
    if (i == 0)
      pen.write(R"([")");
    else
      pen.write(R"(,[")");
    strings.write(name);
    pen.write(R"(",")");
    strings.write(section.bytes.data + span.valueStart, span.valueEnd - span.valueStart);
    pen.write(R"("])");
  }
  pen.put(']');
  return true;
}

constexpr std::string_view integrities[] = {"complete", "gap", "truncated", "aborted"};

void writeMarks(Pen& pen, const Record& record) {
  pen.write(R"(,"integrity":")");
  pen.write(integrities[record.integrity & 3u]);
  pen.put('"');
  if ((record.flags & flag::bodyTruncated) != 0) pen.write(R"(,"bodyTruncated":true)");
  if (record.missingBytes > 0) {
    pen.write(R"(,"missingBytes":)");
    pen.number(static_cast<uint64_t>(record.missingBytes));
  }
  if ((record.flags & flag::conflict) != 0) pen.write(R"(,"conflict":true)");
  if (record.suspicious == 0) return;
  pen.write(R"(,"suspicious":[)");
  bool first = true;
  for (const auto& [name, bit] : http1::suspicionNames) {
    if ((record.suspicious & bit) == 0) continue;
    pen.write(first ? std::string_view("\"") : std::string_view(",\""));
    pen.write(std::string_view(name));
    pen.put('"');
    first = false;
  }
  pen.put(']');
}

void appendBody(TextBuffer& out, const Bytes& body) {
  const auto append = [&](std::string_view text) {
    out.append(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  };
  append(R"(,"body":")");
  if (isUtf8(body.data, body.length)) {
    appendUtf8(out, body.data, body.length);
    append(R"(","bodyEncoding":"utf8","bodyDecoded":false)");
  } else {
    appendBase64(out, body.data, body.length);
    append(R"(","bodyEncoding":"base64","bodyDecoded":false)");
  }
}

}  // namespace

bool MessageLines::append(TextBuffer& out, const BatchReader& batch, const Record& record) {
  const size_t before = out.size();
  if (appendMessage(out, batch, record)) return true;
  out.truncate(before);
  return false;
}

bool MessageLines::appendMessage(TextBuffer& out, const BatchReader& batch, const Record& record) {
  if ((record.flags & (flag::obsFold | flag::streaming)) != 0) return false;
  Section head;
  Section trailers;
  Bytes body;
  delivery::Connection connection;
  if (!batch.head(record, head) || !batch.trailers(record, trailers) || !batch.connection(record, connection) ||
      !batch.body(record, body)) {
    return false;
  }
  // All fields, and each time less than the head: method, host, and the target twice.
  const size_t room = (5 * head.bytes.length + trailers.bytes.length) * longestEscape +
                      (size_t{head.count} + trailers.count) * fieldFrameBytes + maxFrameBytes;
  const size_t before = out.size();
  uint8_t* const start = out.extend(room);
  Pen pen(start);
  const Strings strings{pen, batch.end()};
  if (record.kind == static_cast<uint8_t>(http::Kind::request)) {
    pen.write(R"({"kind":"request","id":)");
    pen.number(static_cast<uint64_t>(record.id));
    writeOrigin(pen, connection, record);
    writeRequestLine(strings, record, head);
  } else {
    pen.write(R"({"kind":"response","id":)");
    pen.number(static_cast<uint64_t>(record.id));
    pen.write(R"(,"requestId":)");
    if (record.requestId == 0)
      pen.write("null");
    else
      pen.number(static_cast<uint64_t>(record.requestId));
    pen.write(R"(,"status":)");
    pen.number(record.status);
    pen.write(R"(,"statusText":")");
    strings.write(head.bytes.data + record.textOffset, record.textLength);
    pen.put('"');
    writeOrigin(pen, connection, record);
  }
  pen.write(R"(,"httpVersion":")");
  pen.number(record.httpVersion >> 4);
  pen.put('.');
  pen.number(record.httpVersion & 15u);
  pen.write(R"(","headers":)");
  bool encoded = false;
  bool ignored = false;
  if (!writeFields(strings, head, encoded)) return false;
  pen.write(R"(,"trailers":)");
  if (!writeFields(strings, trailers, ignored)) return false;
  pen.write(R"(,"bodyLength":)");
  pen.number(static_cast<uint64_t>(record.bodyLength));
  if ((record.flags & flag::bodyKept) != 0) {
    if (encoded && body.length != 0) return false;
    out.truncate(before + static_cast<size_t>(pen.at() - start));
    appendBody(out, body);
    pen = Pen(out.extend(maxFrameBytes));
  }
  writeMarks(pen, record);
  pen.write("}\n");
  out.truncate(static_cast<size_t>(pen.at() - out.data()));
  return true;
}

void MessageLines::writeOrigin(Pen& pen, const delivery::Connection& connection, const Record& record) {
  pen.write(R"(,"connection":)");
  connections_.write(pen, connection);
  pen.write(R"(,"startTime":")");
  times_.write(pen, record.startTimeNs);
  pen.write(R"(","endTime":")");
  times_.write(pen, record.endTimeNs);
  pen.put('"');
}

}  // namespace flowtap::text
