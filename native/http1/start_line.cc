#include "http1/start_line.h"

#include <cstring>

#include "http1/scan.h"
#include "http1/suspicion.h"

namespace flowtap::http1 {

namespace {

constexpr bool tokenByte(unsigned c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
      return true;
    default:
      return false;
  }
}

bool isDigit(uint8_t c) { return c >= '0' && c <= '9'; }
bool isUpper(uint8_t c) { return c >= 'A' && c <= 'Z'; }
bool isSpace(uint8_t c) { return c == ' ' || c == '\t'; }

/// The line's end without CR and trailing blanks.
size_t trimmedEnd(const uint8_t* p, size_t n) {
  while (n > 0 && (p[n - 1] == '\r' || isSpace(p[n - 1]))) n--;
  return n;
}

/// "HTTP/1.x" at p[0, 8).
bool isVersion(const uint8_t* p) {
  return std::memcmp(p, "HTTP/", 5) == 0 && (p[5] == '1' || p[5] == '0') && p[6] == '.' && isDigit(p[7]);
}

Verdict classifyStatusLine(const uint8_t* p, size_t n) {
  static const char form[] = "HTTP/";
  for (size_t i = 0; i < n && i < 5; i++)
    if (p[i] != static_cast<uint8_t>(form[i])) return Verdict::no;
  if (n > 5 && p[5] != '1' && p[5] != '0') return Verdict::no;
  if (n > 6 && p[6] != '.') return Verdict::no;
  if (n > 7 && !isDigit(p[7])) return Verdict::no;
  size_t at = 8;
  while (at < n && isSpace(p[at])) at++;
  if (n > 8 && at == 8) return Verdict::no;
  if (at > 16) return Verdict::no;
  for (size_t i = 0; i < 3; i++) {
    if (at + i >= n) return Verdict::needMore;
    if (!isDigit(p[at + i])) return Verdict::no;
  }
  if (at + 3 >= n) return Verdict::needMore;
  const uint8_t after = p[at + 3];
  return isSpace(after) || after == '\r' || after == '\n' ? Verdict::response : Verdict::no;
}

bool plausibleTarget(uint8_t c) { return c == '/' || c == '*' || c == 'h' || c == 'H'; }

}  // namespace

const bool isTokenByte[256] = {
#define ROW(base)                                                                                          \
  tokenByte(base + 0), tokenByte(base + 1), tokenByte(base + 2), tokenByte(base + 3), tokenByte(base + 4), \
      tokenByte(base + 5), tokenByte(base + 6), tokenByte(base + 7)
    ROW(0),   ROW(8),   ROW(16),  ROW(24),  ROW(32),  ROW(40),  ROW(48),  ROW(56),  ROW(64),  ROW(72),  ROW(80),
    ROW(88),  ROW(96),  ROW(104), ROW(112), ROW(120), ROW(128), ROW(136), ROW(144), ROW(152), ROW(160), ROW(168),
    ROW(176), ROW(184), ROW(192), ROW(200), ROW(208), ROW(216), ROW(224), ROW(232), ROW(240), ROW(248)
#undef ROW
};

Verdict classifyStart(const uint8_t* p, size_t n, Rigour rigour) {
  if (p[0] == 'H') {
    const Verdict verdict = classifyStatusLine(p, n);
    // "HEAD", "HELLO" and the like are methods.
    if (verdict != Verdict::no || (n >= 5 && std::memcmp(p, "HTTP/", 5) == 0)) return verdict;
  }
  size_t at = 0;
  while (at < n && at <= maxMethodBytes && isTokenByte[p[at]]) at++;
  if (at == 0 || at > maxMethodBytes) return Verdict::no;
  if (rigour == Rigour::strict)
    for (size_t i = 0; i < at; i++)
      if (!isUpper(p[i]) && p[i] != '-' && p[i] != '_') return Verdict::no;
  if (at == n) return Verdict::needMore;
  if (!isSpace(p[at])) return Verdict::no;
  const size_t methodLength = at;
  while (at < n && isSpace(p[at])) at++;
  if (at == n) return Verdict::needMore;
  const bool isConnect = methodLength == 7 && std::memcmp(p, "CONNECT", 7) == 0;
  if (rigour == Rigour::strict && !isConnect && !plausibleTarget(p[at])) return Verdict::no;
  const void* feed = std::memchr(p + at, '\n', n - at);
  if (feed == nullptr) return rigour == Rigour::strict && n > maxStrictLineBytes ? Verdict::no : Verdict::needMore;
  const size_t end = trimmedEnd(p, static_cast<size_t>(static_cast<const uint8_t*>(feed) - p));
  // target SP HTTP/1.x
  if (end < at + 1 + 1 + 8 || !isVersion(p + end - 8) || !isSpace(p[end - 9])) return Verdict::no;
  return Verdict::request;
}

bool parseStartLine(const uint8_t* p, size_t n, StartLine& line) {
  const size_t end = trimmedEnd(p, n);
  const bool crlf = n > 0 && p[n - 1] == '\r';
  line.suspicious = crlf ? 0 : suspicion::bareLf;
  if (end >= 12 && p[0] == 'H' && isVersion(p)) {
    line.isRequest = false;
    line.version = static_cast<uint8_t>((p[5] - '0') << 4 | (p[7] - '0'));
    size_t at = 8;
    while (at < end && isSpace(p[at])) at++;
    if (at != 9 || p[8] != ' ') line.suspicious |= suspicion::oddStartLine;
    if (end - at < 3 || !isDigit(p[at]) || !isDigit(p[at + 1]) || !isDigit(p[at + 2])) return false;
    line.status = static_cast<uint16_t>((p[at] - '0') * 100 + (p[at + 1] - '0') * 10 + (p[at + 2] - '0'));
    at += 3;
    if (at < end && isSpace(p[at])) at++;
    line.methodLength = 0;
    line.textOffset = static_cast<uint32_t>(at);
    line.textLength = static_cast<uint32_t>(end - at);
    return true;
  }
  size_t method = 0;
  while (method < end && isTokenByte[p[method]]) method++;
  size_t target = method;
  while (target < end && isSpace(p[target])) target++;
  if (method == 0 || target == method || end < target + 10 || !isVersion(p + end - 8)) return false;
  size_t targetEnd = end - 8;
  while (targetEnd > target && isSpace(p[targetEnd - 1])) targetEnd--;
  if (targetEnd == target) return false;
  // Single spaces, and nothing behind the version.
  if (p[method] != ' ' || target != method + 1 || p[targetEnd] != ' ' || targetEnd + 9 != end || end + crlf != n)
    line.suspicious |= suspicion::oddStartLine;
  if (hasBlankOrHighByte(p, p + target, p + targetEnd)) line.suspicious |= suspicion::invalidTarget;
  line.isRequest = true;
  line.version = static_cast<uint8_t>((p[end - 3] - '0') << 4 | (p[end - 1] - '0'));
  line.status = 0;
  line.methodLength = static_cast<uint32_t>(method);
  line.textOffset = static_cast<uint32_t>(target);
  line.textLength = static_cast<uint32_t>(targetEnd - target);
  return true;
}

size_t nextCandidate(const uint8_t* p, size_t n, size_t from) {
  if (from >= n) return n;
  const void* feed = std::memchr(p + from, '\n', n - from);
  size_t behindFeed = feed == nullptr ? n : static_cast<size_t>(static_cast<const uint8_t*>(feed) - p) + 1;
  // A response may follow a body without a line end between them.
  const void* version = memmem(p + from, (behindFeed < n ? behindFeed : n) - from, "HTTP/1.", 7);
  if (version != nullptr) return static_cast<size_t>(static_cast<const uint8_t*>(version) - p);
  return behindFeed;
}

}  // namespace flowtap::http1
