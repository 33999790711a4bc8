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

/// 64 bytes from `firstBytes + 64 - n` on select the first n.
alignas(64) inline constexpr struct FirstBytes {
  uint8_t bytes[128] = {};
  constexpr FirstBytes() {
    for (int i = 0; i < 64; i++) bytes[i] = 0xff;
  }
} firstBytesTable;
inline constexpr const uint8_t* firstBytes = firstBytesTable.bytes;

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
/// Adds up 0x20 - c over the bytes c below 0x20.
class ControlSum {
 public:
  void add(const Block& block) { add(low(block, 0), low(block, 1), low(block, 2), low(block, 3)); }
  /// Of the first `count` bytes only.
  void add(const Block& block, unsigned count) {
    const uint8_t* mask = firstBytes + 64 - count;
    const auto some = [&](int i) {
      return _mm_and_si128(low(block, i), _mm_loadu_si128(reinterpret_cast<const __m128i*>(mask + 16 * i)));
    };
    add(some(0), some(1), some(2), some(3));
  }
  uint64_t total() const {
    alignas(16) uint64_t halves[2];
    _mm_store_si128(reinterpret_cast<__m128i*>(halves), sums_);
    return halves[0] + halves[1];
  }

 private:
  static __m128i low(const Block& block, int i) { return _mm_subs_epu8(_mm_set1_epi8(0x20), block.lanes[i]); }
  void add(__m128i a, __m128i b, __m128i c, __m128i d) {
    const __m128i bytes = _mm_add_epi8(_mm_add_epi8(a, b), _mm_add_epi8(c, d));  // at most 0x80
    sums_ = _mm_add_epi64(sums_, _mm_sad_epu8(bytes, _mm_setzero_si128()));
  }
  __m128i sums_ = _mm_setzero_si128();
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
class ControlSum {
 public:
  void add(const Block& block) {
    for (const uint8x16_t lane : block.lanes) total_ += vaddlvq_u8(vqsubq_u8(vdupq_n_u8(0x20), lane));
  }
  /// Of the first `count` bytes only.
  void add(const Block& block, unsigned count) {
    for (int i = 0; i < 4; i++)
      total_ +=
          vaddlvq_u8(vandq_u8(vqsubq_u8(vdupq_n_u8(0x20), block.lanes[i]), vld1q_u8(firstBytes + 64 - count + 16 * i)));
  }
  uint64_t total() const { return total_; }

 private:
  uint64_t total_ = 0;
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
class ControlSum {
 public:
  void add(const Block& block, unsigned count = 64) {
    for (unsigned i = 0; i < count; i++)
      if (block.bytes[i] < 0x20) total_ += 0x20 - block.bytes[i];
  }
  uint64_t total() const { return total_; }

 private:
  uint64_t total_ = 0;
};
#endif

}  // namespace detail

inline constexpr uint64_t lineEnd = (0x20 - '\r') + (0x20 - '\n');

enum class ScanResult : uint8_t { complete, incomplete, tooManyLines };

/// Scans p[0, n) for lines up to and including the first empty one; a line ends with LF, a CR before it is part of the
/// line end. `marks` gets the lines before the empty one, at most `capacity`. complete: `length` is the offset behind
/// the empty line, `controls` the sum of 0x20 - c over all bytes c below 0x20 before it: lineEnd for each line when
/// there is nothing but CRLFs. incomplete: `length` is the offset behind the last complete line. Offsets must fit 32
/// bits: n < 2^32.
inline ScanResult scanLines(const uint8_t* p, size_t n, LineMark* marks, size_t capacity, size_t& count, size_t& length,
                            uint64_t& controls) {
  size_t lineStart = 0;
  uint32_t colon = noColon;
  count = 0;
  detail::ControlSum sum;
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
        sum.add(bytes, bit + 1);
        controls = sum.total();
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
    sum.add(bytes);
  }
  length = lineStart;
  return ScanResult::incomplete;
}

/// Is there a byte up to and including the space, or one above 0x7f, in [from, to)? `readable` is the start of the
/// memory that `from` lies in.
inline bool hasBlankOrHighByte(const uint8_t* readable, const uint8_t* from, const uint8_t* to) {
#if defined(__SSE2__)
  while (to - from > 0 && to - readable >= 16) {
    // Signed: bytes above 0x7f count as small.
    const __m128i small =
        _mm_cmplt_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(to - 16)), _mm_set1_epi8(0x21));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(small));
    if (to - from <= 16) return mask >> (16 - (to - from)) != 0;
    if (mask != 0) return true;
    to -= 16;
  }
#endif
  for (; from != to; from++)
    if (*from <= ' ' || *from > 0x7f) return true;
  return false;
}

}  // namespace flowtap::http1
