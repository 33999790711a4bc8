#include "http1/head.h"

#include "http1/start_line.h"

namespace flowtap::http1 {

namespace {

bool isBlank(uint8_t c) { return c == ' ' || c == '\t'; }

/// Compares with a lower-case name whose letters and '-' are all that it has.
bool nameIs(const uint8_t* p, size_t n, const char* name, size_t nameLength) {
  if (n != nameLength) return false;
  for (size_t i = 0; i < n; i++)
    if ((p[i] | 0x20) != static_cast<uint8_t>(name[i])) return false;
  return true;
}

/// Skips what may stand between list elements, line folds included.
size_t skipBlanks(const uint8_t* p, size_t at, size_t end) {
  while (at < end && (isBlank(p[at]) || p[at] == '\r' || p[at] == '\n' || p[at] == ',')) at++;
  return at;
}

/// Content-Length (RFC 9112, 6.3): one number, or a list of the same number. The first field line wins when they
/// differ.
void readContentLength(const uint8_t* p, const FieldSpan& field, Head& head) {
  size_t at = skipBlanks(p, field.valueStart, field.valueEnd);
  if (at == field.valueEnd || head.hasContentLength) return;
  uint64_t value = 0;
  const size_t digits = at;
  while (at < field.valueEnd && p[at] >= '0' && p[at] <= '9') {
    if (value > (UINT64_MAX - 9) / 10) return;
    value = value * 10 + (p[at] - '0');
    at++;
  }
  if (at == digits) return;
  if (at < field.valueEnd && !isBlank(p[at]) && p[at] != ',' && p[at] != '\r' && p[at] != '\n') return;
  // Above 2^53 JavaScript could not say the number; nobody sends that much.
  if (value > (uint64_t{1} << 53)) return;
  head.hasContentLength = true;
  head.contentLength = value;
}

/// Transfer-Encoding: is the last coding chunked?
void readTransferEncoding(const uint8_t* p, const FieldSpan& field, Head& head) {
  size_t at = field.valueStart;
  while ((at = skipBlanks(p, at, field.valueEnd)) < field.valueEnd) {
    const size_t start = at;
    while (at < field.valueEnd && p[at] != ',' && p[at] != '\r' && p[at] != '\n') at++;
    size_t end = at;
    for (size_t i = start; i < end; i++)
      if (p[i] == ';') end = i;
    while (end > start && isBlank(p[end - 1])) end--;
    if (end == start) continue;
    head.hasTransferEncoding = true;
    head.chunked = nameIs(p + start, end - start, "chunked", 7);
  }
}

void readFraming(const uint8_t* p, Head& head) {
  head.hostIndex = 0;
  head.hasTransferEncoding = head.chunked = head.hasContentLength = false;
  head.contentLength = 0;
  for (size_t i = 0; i < head.fieldCount; i++) {
    const FieldSpan& field = head.fields[i];
    const uint8_t* name = p + field.nameStart;
    switch (field.nameEnd - field.nameStart) {
      case 4:
        if (head.hostIndex == 0 && nameIs(name, 4, "host", 4)) head.hostIndex = static_cast<uint32_t>(i + 1);
        break;
      case 14:
        if (nameIs(name, 14, "content-length", 14)) readContentLength(p, field, head);
        break;
      case 17:
        if (nameIs(name, 17, "transfer-encoding", 17)) readTransferEncoding(p, field, head);
        break;
      default:
        break;
    }
  }
}

}  // namespace

size_t parseFields(const uint8_t* p, const LineMark* marks, size_t lineCount, size_t lineStart, FieldSpan* fields,
                   bool& obsFold) {
  size_t count = 0;
  for (size_t i = 0; i < lineCount; i++) {
    const size_t start = lineStart;
    size_t end = marks[i].end;
    lineStart = end + 1;
    if (end > start && p[end - 1] == '\r') end--;
    while (end > start && isBlank(p[end - 1])) end--;
    if (isBlank(p[start])) {
      // obs-fold (RFC 9112, 5.2): the line goes on with the value before it.
      if (count > 0 && end > start) {
        fields[count - 1].valueEnd = static_cast<uint32_t>(end);
        obsFold = true;
      }
      continue;
    }
    const uint32_t colon = marks[i].colon;
    if (colon == noColon || colon == start) continue;  // no field line; `head` still shows it
    size_t nameEnd = colon;
    while (nameEnd > start && isBlank(p[nameEnd - 1])) nameEnd--;
    size_t value = colon + 1;
    while (value < end && isBlank(p[value])) value++;
    if (end < value) end = value;
    fields[count++] = {static_cast<uint32_t>(start), static_cast<uint32_t>(nameEnd), static_cast<uint32_t>(value),
                       static_cast<uint32_t>(end)};
  }
  return count;
}

bool parseHead(const uint8_t* p, size_t length, size_t lineCount, Scratch& scratch, Head& head) {
  StartLine line;
  if (lineCount == 0 || !parseStartLine(p, scratch.marks[0].end, line)) return false;
  head.bytes = p;
  head.length = static_cast<uint32_t>(length);
  head.storage = nullptr;
  head.incomplete = false;
  head.isRequest = line.isRequest;
  head.version = line.version;
  head.status = line.status;
  head.methodLength = line.methodLength;
  head.textOffset = line.textOffset;
  head.textLength = line.textLength;
  head.method = MethodKind::other;
  if (line.isRequest) {
    if (line.methodLength == 4 && std::memcmp(p, "HEAD", 4) == 0) head.method = MethodKind::head;
    if (line.methodLength == 7 && std::memcmp(p, "CONNECT", 7) == 0) head.method = MethodKind::connect;
  }
  head.obsFold = false;
  head.fields = scratch.fields.data();
  head.fieldCount = parseFields(p, scratch.marks.data() + 1, lineCount - 1, scratch.marks[0].end + 1,
                                scratch.fields.data(), head.obsFold);
  readFraming(p, head);
  return true;
}

}  // namespace flowtap::http1
