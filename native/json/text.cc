#include "json/text.h"

#include <array>
#include <charconv>
#include <cstring>

namespace flowtap::json {

namespace {

constexpr uint64_t ones = 0x0101010101010101;
constexpr uint64_t tops = 0x8080808080808080;
constexpr size_t wordBytes = sizeof(uint64_t);
/// Of one byte: `\u00XX`.
constexpr size_t longestEscape = 6;

uint64_t wordAt(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, wordBytes);
  return word;
}

/// A top bit for every byte that must be escaped, and perhaps for bytes above it.
uint64_t special(uint64_t word) {
  const uint64_t quote = word ^ (ones * '"');
  const uint64_t backslash = word ^ (ones * '\\');
  return (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & tops;
}

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

uint8_t* putEscape(uint8_t* to, uint8_t byte) {
  *to++ = '\\';
  *to++ = escapes[byte];
  if (escapes[byte] != 'u') return to;
  constexpr const char* hex = "0123456789abcdef";
  *to++ = '0';
  *to++ = '0';
  *to++ = static_cast<uint8_t>(hex[byte >> 4]);
  *to++ = static_cast<uint8_t>(hex[byte & 15]);
  return to;
}

/// `isPlain` tells of a word whether it is copied as it is; `put` writes one byte.
template <typename IsPlain, typename Put>
void appendEscaped(ByteBuffer& to, const uint8_t* bytes, size_t length, IsPlain isPlain, Put put) {
  // Room for the worst case a block, so that a long body does not take six times its size.
  constexpr size_t blockBytes = 4096;
  const uint8_t* const end = bytes + length;
  while (bytes != end) {
    const size_t block = std::min(static_cast<size_t>(end - bytes), blockBytes);
    const uint8_t* const blockEnd = bytes + block;
    const size_t before = to.size();
    uint8_t* at = to.extend(block * longestEscape + wordBytes);
    const uint8_t* const start = at;
    while (bytes != blockEnd) {
      if (static_cast<size_t>(blockEnd - bytes) >= wordBytes) {
        const uint64_t word = wordAt(bytes);
        if (isPlain(word)) {
          std::memcpy(at, &word, wordBytes);
          at += wordBytes;
          bytes += wordBytes;
          continue;
        }
      }
      at = put(at, *bytes++);
    }
    to.truncate(before + static_cast<size_t>(at - start));
  }
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
    if (static_cast<size_t>(end - bytes) >= wordBytes && (wordAt(bytes) & tops) == 0) {
      bytes += wordBytes;
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

void appendNumber(ByteBuffer& to, uint64_t number) {
  constexpr size_t maxDigits = 20;
  char digits[maxDigits];
  const auto result = std::to_chars(digits, digits + maxDigits, number);
  append(to, {digits, static_cast<size_t>(result.ptr - digits)});
}

void appendLatin1(ByteBuffer& to, const uint8_t* bytes, size_t length) {
  appendEscaped(
      to, bytes, length, [](uint64_t word) { return ((word & tops) | special(word)) == 0; },
      [](uint8_t* at, uint8_t byte) {
        if (byte >= 0x80) {
          *at++ = static_cast<uint8_t>(0xc0 | byte >> 6);
          *at++ = static_cast<uint8_t>(0x80 | (byte & 0x3f));
          return at;
        }
        if (escapes[byte] != 0) return putEscape(at, byte);
        *at++ = byte;
        return at;
      });
}

void appendUtf8(ByteBuffer& to, const uint8_t* bytes, size_t length) {
  appendEscaped(
      to, bytes, length, [](uint64_t word) { return special(word) == 0; },
      [](uint8_t* at, uint8_t byte) {
        if (escapes[byte] != 0) return putEscape(at, byte);
        *at++ = byte;
        return at;
      });
}

void appendBase64(ByteBuffer& to, const uint8_t* bytes, size_t length) {
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

}  // namespace flowtap::json
