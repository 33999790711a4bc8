// Finds the lines of a head, and the first colon in each, 64 bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace flowtap::http1 {

inline constexpr uint32_t noColon = UINT32_MAX;

/// One line: where its line feed is and where its first colon, noColon without one.
struct LineMark {
  uint32_t colon;
  uint32_t end;
};

namespace detail {

/// One bit a byte of p[0, 64): equal to `byte`?
#if defined(__SSE2__)
struct Block {
  __m128i lanes[4];
  explicit Block(const uint8_t* p) {
    for (int i = 0; i < 4; i++) lanes[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
  }
  uint64_t equal(char byte) const {
    const __m128i wanted = _mm_set1_epi8(byte);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++)
      mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(lanes[i], wanted))))
              << (16 * i);
    return mask;
  }
};
#elif defined(__aarch64__)
struct Block {
  uint8x16_t lanes[4];
  explicit Block(const uint8_t* p) {
    for (int i = 0; i < 4; i++) lanes[i] = vld1q_u8(p + 16 * i);
  }
  uint64_t equal(char byte) const {
    const uint8x16_t wanted = vdupq_n_u8(static_cast<uint8_t>(byte));
    const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t m0 = vandq_u8(vceqq_u8(lanes[0], wanted), bits), m1 = vandq_u8(vceqq_u8(lanes[1], wanted), bits);
    uint8x16_t m2 = vandq_u8(vceqq_u8(lanes[2], wanted), bits), m3 = vandq_u8(vceqq_u8(lanes[3], wanted), bits);
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(m0, m1), vpaddq_u8(m2, m3));
    sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
  }
};
#else
struct Block {
  const uint8_t* bytes;
  explicit Block(const uint8_t* p) : bytes(p) {}
  uint64_t equal(char byte) const {
    uint64_t mask = 0;
    for (int i = 0; i < 64; i++) mask |= static_cast<uint64_t>(bytes[i] == static_cast<uint8_t>(byte)) << i;
    return mask;
  }
};
#endif

}  // namespace detail

enum class ScanResult : uint8_t { complete, incomplete, tooManyLines };

/// Scans p[0, n) for lines up to and including the first empty one; a line ends with LF, a CR before it is part of the
/// line end. `marks` gets the lines before the empty one, at most `capacity`. complete: `length` is the offset behind
/// the empty line. incomplete: `length` is the offset behind the last complete line. Offsets must fit 32 bits: n <
/// 2^32.
inline ScanResult scanLines(const uint8_t* p, size_t n, LineMark* marks, size_t capacity, size_t& count,
                            size_t& length) {
  size_t lineStart = 0;
  uint32_t colon = noColon;
  count = 0;
  alignas(16) uint8_t tail[64];
  for (size_t base = 0; base < n; base += 64) {
    const uint8_t* block = p + base;
    if (n - base < 64) {
      std::memset(tail, 0, sizeof tail);
      std::memcpy(tail, block, n - base);
      block = tail;
    }
    const detail::Block bytes(block);
    uint64_t feeds = bytes.equal('\n');
    uint64_t colons = bytes.equal(':');
    while (feeds != 0) {
      const unsigned bit = static_cast<unsigned>(__builtin_ctzll(feeds));
      const size_t at = base + bit;
      const size_t lineLength = at - lineStart;
      if (lineLength == 0 || (lineLength == 1 && p[lineStart] == '\r')) {
        length = at + 1;
        return ScanResult::complete;
      }
      if (colon == noColon && colons != 0) {
        const unsigned first = static_cast<unsigned>(__builtin_ctzll(colons));
        if (first < bit) colon = static_cast<uint32_t>(base + first);
      }
      if (count == capacity) {
        length = lineStart;
        return ScanResult::tooManyLines;
      }
      marks[count++] = {colon, static_cast<uint32_t>(at)};
      colon = noColon;
      lineStart = at + 1;
      // Drop the colons of the line that is done.
      colons = bit == 63 ? 0 : colons & (~uint64_t{0} << (bit + 1));
      feeds &= feeds - 1;
    }
    if (colon == noColon && colons != 0)
      colon = static_cast<uint32_t>(base + static_cast<unsigned>(__builtin_ctzll(colons)));
  }
  length = lineStart;
  return ScanResult::incomplete;
}

}  // namespace flowtap::http1
