#include "text/json.h"

#include <algorithm>
#include <array>

namespace flowtap::text {

namespace {

/// By byte: 0 as it is, else the character behind a backslash, 'u' for \u00XX.
constexpr std::array<uint8_t, 256> makeEscapes() {
  std::array<uint8_t, 256> escapes{};
  for (size_t i = 0; i < 0x20; i++) escapes[i] = 'u';
  escapes['\b'] = 'b';
  escapes['\t'] = 't';
  escapes['\n'] = 'n';
  escapes['\f'] = 'f';
  escapes['\r'] = 'r';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}
constexpr std::array<uint8_t, 256> escapes = makeEscapes();

inline uint8_t* putEscape(uint8_t* to, uint8_t byte) {
  to[0] = '\\';
  to[1] = escapes[byte];
  if (to[1] != 'u') return to + 2;
  constexpr const char* hex = "0123456789abcdef";
  to[2] = '0';
  to[3] = '0';
  to[4] = static_cast<uint8_t>(hex[byte >> 4]);
  to[5] = static_cast<uint8_t>(hex[byte & 15]);
  return to + longestEscape;
}

/// The length of the well-formed sequence at `bytes`, whose first byte is not ASCII; 0 when it is none (Unicode, table
/// 3-7).
size_t sequenceLength(const uint8_t* bytes, size_t left) {
  const auto continues = [&](size_t i) { return (bytes[i] & 0xc0) == 0x80; };
  const uint8_t first = bytes[0];
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return left >= 2 && continues(1) ? 2 : 0;
  const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  const size_t length = first < 0xf0 ? 3 : 4;
  if (left < length || bytes[1] < low || bytes[1] > high || !continues(2)) return 0;
  return length == 3 || continues(3) ? length : 0;
}

}  // namespace

bool isUtf8(const uint8_t* bytes, size_t length) {
  const uint8_t* const end = bytes + length;
  while (bytes != end) {
    if (static_cast<size_t>(end - bytes) >= 2 * blockBytes &&
        (Block(bytes).high() | Block(bytes + blockBytes).high()) == 0) {
      bytes += 2 * blockBytes;
    } else if (*bytes < 0x80) {
      bytes++;
    } else {
      const size_t sequence = sequenceLength(bytes, static_cast<size_t>(end - bytes));
      if (sequence == 0) return false;
      bytes += sequence;
    }
  }
  return true;
}

void writeLatin1(Pen& pen, const uint8_t* bytes, size_t length, const uint8_t* readable) {
  pen.moveTo(copyBut(
      pen.at(), bytes, length, readable, [](const Block& block) { return block.escapedInJson() | block.high(); },
      [](uint8_t* to, const uint8_t* from, size_t) {
        if (*from < 0x80) return putEscape(to, *from);
        to[0] = static_cast<uint8_t>(0xc0 | *from >> 6);
        to[1] = static_cast<uint8_t>(0x80 | (*from & 0x3f));
        return to + 2;
      }));
}

void appendUtf8(TextBuffer& to, const uint8_t* bytes, size_t length) {
  // Room for the worst case a piece, so that a long body does not take six times its size.
  constexpr size_t pieceBytes = 4096;
  const uint8_t* const end = bytes + length;
  while (bytes != end) {
    const size_t piece = std::min(static_cast<size_t>(end - bytes), pieceBytes);
    const size_t before = to.size();
    uint8_t* const start = to.extend(piece * longestEscape + blockBytes);
    const uint8_t* const at = copyBut(
        start, bytes, piece, end, [](const Block& block) { return block.escapedInJson(); },
        [](uint8_t* into, const uint8_t* from, size_t) { return putEscape(into, *from); });
    to.truncate(before + static_cast<size_t>(at - start));
    bytes += piece;
  }
}

void appendBase64(TextBuffer& to, const uint8_t* bytes, size_t length) {
  constexpr const char* alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t* at = to.extend((length + 2) / 3 * 4);
  const auto put = [&](uint32_t group, int characters) {
    for (int i = 0; i < 4; i++)
      *at++ = i < characters ? static_cast<uint8_t>(alphabet[group >> (18 - 6 * i) & 63]) : uint8_t{'='};
  };
  size_t i = 0;
  for (; i + 3 <= length; i += 3) put(uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2], 4);
  if (length - i == 1) put(uint32_t{bytes[i]} << 16, 2);
  if (length - i == 2) put(uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8, 3);
}

}  // namespace flowtap::text
