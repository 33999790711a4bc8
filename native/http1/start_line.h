// Tells whether bytes begin an HTTP/1 message, and takes the start line apart (RFC 9112, sections 3 and 4).
#pragma once

#include <cstddef>
#include <cstdint>

namespace flowtap::http1 {

enum class Verdict : uint8_t { no, needMore, request, response };

/// How much must speak for a start line. `lenient`: where one is due, any token may be a method. `strict`: when looking
/// for one in the middle of something else.
enum class Rigour : uint8_t { lenient, strict };

/// Longest method and, when strict, longest start line that is looked for.
inline constexpr size_t maxMethodBytes = 64;
inline constexpr size_t maxStrictLineBytes = 8192;

/// Looks at p[0, n), n >= 1, where a start line could begin.
Verdict classifyStart(const uint8_t* p, size_t n, Rigour rigour);

struct StartLine {
  bool isRequest;
  uint8_t version;  ///< major << 4 | minor
  uint16_t status;
  uint32_t methodLength;
  uint32_t textOffset;  ///< target or reason phrase, from the line's start
  uint32_t textLength;
  uint32_t suspicious;  ///< suspicion:: bits
};

/// Takes apart a line (without its line feed) that classifyStart() accepted.
bool parseStartLine(const uint8_t* p, size_t n, StartLine& line);

/// Offset of the next place at or behind `from` where looking for a start line is worthwhile (behind a line feed, or at
/// "HTTP/1."), n when there is none.
size_t nextCandidate(const uint8_t* p, size_t n, size_t from);

/// tchar of RFC 9110, 5.6.2.
extern const bool isTokenByte[256];

}  // namespace flowtap::http1
