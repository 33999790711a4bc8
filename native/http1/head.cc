#include "http1/head.h"

#include <array>
#include <bit>
#include <cstring>

#include "http1/start_line.h"

namespace flowtap::http1 {

namespace {

bool isBlank(uint8_t c) { return c == ' ' || c == '\t'; }

uint64_t word(const char (&text)[9]) {
  uint64_t value;
  std::memcpy(&value, text, 8);
  return value;
}

/// Compares with a lower-case name whose letters and '-' are all that it has.
bool nameIs(const uint8_t* p, size_t n, const char* name, size_t nameLength) {
  if (n != nameLength) return false;
  for (size_t i = 0; i < n; i++) {
    const auto wanted = static_cast<uint8_t>(name[i]);
    if ((p[i] | (wanted & 0x40) >> 1) != wanted) return false;  // '-' has no other case
  }
  return true;
}

/// The same for the two that nearly every message has, by words; their lengths are known to be right.
bool isContentLength(const uint8_t* p) {
  uint64_t front, back;
  std::memcpy(&front, p, 8);
  std::memcpy(&back, p + 6, 8);
  constexpr uint8_t upper = 0x20;
  constexpr std::array<uint8_t, 8> frontCase = {upper, upper, upper, upper, upper, upper, upper, 0};
  constexpr std::array<uint8_t, 8> backCase = {upper, 0, upper, upper, upper, upper, upper, upper};
  return ((front | std::bit_cast<uint64_t>(frontCase)) ^ word("content-")) == 0 &&
         ((back | std::bit_cast<uint64_t>(backCase)) ^ word("t-length")) == 0;
}

bool isHost(const uint8_t* p) {
  uint32_t letters;
  std::memcpy(&letters, p, 4);
  uint32_t host;
  std::memcpy(&host, "host", 4);
  return (letters | 0x20202020u) == host;
}

/// Skips white space, line folds included.
size_t skipBlanks(const uint8_t* p, size_t at, size_t end) {
  while (at < end && (isBlank(p[at]) || p[at] == '\r' || p[at] == '\n')) at++;
  return at;
}

/// Skips what may stand between list elements.
size_t skipSeparators(const uint8_t* p, size_t at, size_t end) {
  while ((at = skipBlanks(p, at, end)) < end && p[at] == ',') at++;
  return at;
}

/// Content-Length (RFC 9112, 6.3): one number, or a list of the same number. The first valid one wins when they differ.
void readContentLength(const uint8_t* p, const FieldSpan& field, Head& head) {
  size_t at = skipSeparators(p, field.valueStart, field.valueEnd);
  if (at == field.valueEnd) head.suspicious |= suspicion::invalidContentLength;
  while (at < field.valueEnd) {
    uint64_t value = 0;
    const size_t digits = at;
    // Above 2^53 JavaScript could not say the number; nobody sends that much.
    bool valid = true;
    while (at < field.valueEnd && p[at] >= '0' && p[at] <= '9') {
      valid = valid && value <= (uint64_t{1} << 53);
      if (valid) value = value * 10 + (p[at] - '0');
      at++;
    }
    const size_t end = skipBlanks(p, at, field.valueEnd);
    if (at == digits || !valid || value > (uint64_t{1} << 53) || (end < field.valueEnd && p[end] != ',')) {
      head.suspicious |= suspicion::invalidContentLength;
      return;
    }
    if (head.hasContentLength) {
      head.suspicious |=
          value == head.contentLength ? suspicion::repeatedContentLength : suspicion::conflictingContentLength;
    } else {
      head.hasContentLength = true;
      head.contentLength = value;
    }
    at = skipSeparators(p, end, field.valueEnd);
  }
}

/// Does the IANA registry of HTTP transfer codings have it?
bool isRegisteredCoding(const uint8_t* p, size_t n) {
  return nameIs(p, n, "gzip", 4) || nameIs(p, n, "deflate", 7) || nameIs(p, n, "compress", 8) ||
         nameIs(p, n, "x-gzip", 6) || nameIs(p, n, "x-compress", 10);
}

/// Transfer-Encoding (RFC 9112, 6.1): is the last coding chunked? `identity`, which RFC 2616 had, is no coding.
void readTransferEncoding(const uint8_t* p, const FieldSpan& field, Head& head) {
  size_t at = skipSeparators(p, field.valueStart, field.valueEnd);
  if (at == field.valueEnd) head.suspicious |= suspicion::unusualTransferEncoding;
  while (at < field.valueEnd) {
    const size_t start = at;
    while (at < field.valueEnd && p[at] != ',') at++;
    size_t end = start;
    while (end < at && p[end] != ';' && !isBlank(p[end]) && p[end] != '\r' && p[end] != '\n') end++;
    // Chunked has no parameters, stands last, and once.
    if (head.chunked) head.suspicious |= suspicion::unusualTransferEncoding;
    head.chunked = nameIs(p + start, end - start, "chunked", 7);
    if (head.chunked) {
      if (skipBlanks(p, end, at) != at) head.suspicious |= suspicion::unusualTransferEncoding;
    } else if (!isRegisteredCoding(p + start, end - start)) {
      head.suspicious |= suspicion::unusualTransferEncoding;
    }
    if (!nameIs(p + start, end - start, "identity", 8)) head.hasTransferEncoding = true;
    at = skipSeparators(p, at, field.valueEnd);
  }
}

void readFraming(const uint8_t* p, Head& head) {
  head.hostIndex = 0;
  head.hasTransferEncoding = head.chunked = head.hasContentLength = head.expectsContinue = false;
  head.contentLength = 0;
  bool lengthSent = false;
  bool codingSent = false;
  for (size_t i = 0; i < head.fieldCount; i++) {
    const FieldSpan& field = head.fields[i];
    const uint8_t* name = p + field.nameStart;
    switch (field.nameEnd - field.nameStart) {
      case 4:
        if (!isHost(name)) break;
        if (head.hostIndex == 0)
          head.hostIndex = static_cast<uint32_t>(i + 1);
        else if (head.isRequest)
          head.suspicious |= suspicion::repeatedHost;
        break;
      case 6:
        if (nameIs(name, 6, "expect", 6))
          head.expectsContinue = nameIs(p + field.valueStart, field.valueEnd - field.valueStart, "100-continue", 12);
        break;
      case 14:
        if (!isContentLength(name)) break;
        lengthSent = true;
        readContentLength(p, field, head);
        break;
      case 17:
        if (!nameIs(name, 17, "transfer-encoding", 17)) break;
        if (codingSent) head.suspicious |= suspicion::unusualTransferEncoding;
        codingSent = true;
        readTransferEncoding(p, field, head);
        break;
      default:
        break;
    }
  }
  if (codingSent) {
    if (lengthSent) head.suspicious |= suspicion::lengthAndTransferEncoding;
    if (head.version < 0x11) head.suspicious |= suspicion::transferEncodingInHttp10;
    if (head.isRequest && !head.chunked) head.suspicious |= suspicion::transferEncodingNotChunked;
  }
  if (head.isRequest && head.hostIndex == 0 && head.version >= 0x11) head.suspicious |= suspicion::missingHost;
}

}  // namespace

size_t parseFields(const uint8_t* p, const LineMark* marks, size_t lineCount, size_t lineStart, FieldSpan* fields,
                   uint32_t& suspects) {
  size_t count = 0;
  bool foldable = false;
  uint32_t suspicious = 0;
  for (size_t i = 0; i < lineCount; i++) {
    const size_t start = lineStart;
    size_t end = marks[i].end;
    lineStart = end + 1;
    if (end > start && p[end - 1] == '\r')
      end--;
    else
      suspicious |= suspicion::bareLf;
    // One compare rules out nearly all that isBlank() would look at.
    if (p[end - 1] <= ' ')
      while (end > start && isBlank(p[end - 1])) end--;
    if (p[start] <= ' ' && isBlank(p[start])) {
      // obs-fold (RFC 9112, 5.2): the line goes on with the value before it.
      suspicious |= count > 0 ? suspicion::obsFold : suspicion::spaceBeforeFirstField;
      if (foldable && end > start) fields[count - 1].valueEnd = static_cast<uint32_t>(end);
      continue;
    }
    const uint32_t colon = marks[i].colon;
    foldable = colon != noColon && colon != start;
    if (!foldable) {  // no field line; `head` still shows it
      suspicious |= suspicion::invalidFieldLine;
      continue;
    }
    size_t nameEnd = colon;
    if (p[nameEnd - 1] <= ' ' && isBlank(p[nameEnd - 1])) {
      suspicious |= suspicion::spaceBeforeColon;
      while (isBlank(p[nameEnd - 1])) nameEnd--;
    }
    if (hasBlankOrHighByte(p, p + start, p + nameEnd)) suspicious |= suspicion::invalidFieldName;
    size_t value = colon + 1;
    if (p[value] == ' ') value++;
    if (p[value] <= ' ')
      while (value < end && isBlank(p[value])) value++;
    if (end < value) end = value;
    fields[count++] = {static_cast<uint32_t>(start), static_cast<uint32_t>(nameEnd), static_cast<uint32_t>(value),
                       static_cast<uint32_t>(end)};
  }
  suspects |= suspicious;
  return count;
}

void noteControls(const uint8_t* p, size_t length, size_t lineCount, uint64_t controls, uint32_t& suspicious) {
  // Every line ends with CRLF, and that is all.
  const bool crlfAtEnd = length >= 2 && p[length - 2] == '\r';
  if (controls == lineEnd * (lineCount + 1) && crlfAtEnd && (suspicious & suspicion::bareLf) == 0) return;
  for (size_t i = 0; i < length; i++) {
    const uint8_t c = p[i];
    if (c >= 0x20 || c == '\t') continue;
    if (c == '\n') {
      if (i == 0 || p[i - 1] != '\r') suspicious |= suspicion::bareLf;
    } else if (c == '\r') {
      if (i + 1 == length || p[i + 1] != '\n') suspicious |= suspicion::bareCr;
    } else {
      suspicious |= suspicion::controlCharacter;
    }
  }
}

MethodKind methodKind(const uint8_t* p, size_t length) {
  size_t method = 0;
  while (method < length && isTokenByte[p[method]]) method++;
  if (method == 4 && std::memcmp(p, "HEAD", 4) == 0) return MethodKind::head;
  if (method == 7 && std::memcmp(p, "CONNECT", 7) == 0) return MethodKind::connect;
  return MethodKind::other;
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
  head.method = line.isRequest ? methodKind(p, line.methodLength) : MethodKind::other;
  head.suspicious = line.suspicious;
  head.fields = scratch.fields.data();
  head.fieldCount = parseFields(p, scratch.marks.data() + 1, lineCount - 1, scratch.marks[0].end + 1,
                                scratch.fields.data(), head.suspicious);
  noteControls(p, length, lineCount, scratch.controls, head.suspicious);
  readFraming(p, head);
  return true;
}

}  // namespace flowtap::http1
