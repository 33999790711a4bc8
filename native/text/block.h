// Sixteen bytes at a time: which of them cannot be copied as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace flowtap::text {

inline constexpr size_t blockBytes = 16;

/// Every mask has one bit a byte, the first byte's lowest.
class Block {
 public:
#if defined(__SSE2__)
  explicit Block(const uint8_t* from) : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))) {}
  void store(uint8_t* to) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes_); }
  /// Above 0x7f.
  uint32_t high() const { return static_cast<uint32_t>(_mm_movemask_epi8(bytes_)); }
  /// A control character, a quote or a backslash (RFC 8259, 7).
  uint32_t escapedInJson() const { return maskOf(_mm_or_si128(below0x20(), _mm_or_si128(equal('"'), equal('\\')))); }
  /// Not printable ASCII, tab or line feed.
  uint32_t notPlain() const {
    const __m128i spaces = _mm_or_si128(equal('\t'), equal('\n'));
    return maskOf(_mm_or_si128(_mm_andnot_si128(spaces, below0x20()), equal(0x7f))) | high();
  }

 private:
  static uint32_t maskOf(__m128i bytes) { return static_cast<uint32_t>(_mm_movemask_epi8(bytes)); }
  __m128i equal(char byte) const { return _mm_cmpeq_epi8(bytes_, _mm_set1_epi8(byte)); }
  __m128i below0x20() const { return _mm_cmpeq_epi8(_mm_min_epu8(bytes_, _mm_set1_epi8(0x1f)), bytes_); }
  __m128i bytes_;
#elif defined(__aarch64__)
  explicit Block(const uint8_t* from) : bytes_(vld1q_u8(from)) {}
  void store(uint8_t* to) const { vst1q_u8(to, bytes_); }
  uint32_t high() const { return maskOf(vcgeq_u8(bytes_, vdupq_n_u8(0x80))); }
  uint32_t escapedInJson() const { return maskOf(vorrq_u8(below0x20(), vorrq_u8(equal('"'), equal('\\')))); }
  uint32_t notPlain() const {
    const uint8x16_t spaces = vorrq_u8(equal('\t'), equal('\n'));
    return maskOf(vorrq_u8(vbicq_u8(below0x20(), spaces), vcgeq_u8(bytes_, vdupq_n_u8(0x7f))));
  }

 private:
  static uint32_t maskOf(uint8x16_t bytes) {
    const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t some = vandq_u8(bytes, bits);
    return vaddv_u8(vget_low_u8(some)) | static_cast<uint32_t>(vaddv_u8(vget_high_u8(some))) << 8;
  }
  uint8x16_t equal(uint8_t byte) const { return vceqq_u8(bytes_, vdupq_n_u8(byte)); }
  uint8x16_t below0x20() const { return vcltq_u8(bytes_, vdupq_n_u8(0x20)); }
  uint8x16_t bytes_;
#else
  explicit Block(const uint8_t* from) { std::memcpy(bytes_, from, blockBytes); }
  void store(uint8_t* to) const { std::memcpy(to, bytes_, blockBytes); }
  uint32_t high() const {
    return maskOf([](uint8_t byte) { return byte >= 0x80; });
  }
  uint32_t escapedInJson() const {
    return maskOf([](uint8_t byte) { return byte < 0x20 || byte == '"' || byte == '\\'; });
  }
  uint32_t notPlain() const {
    return maskOf([](uint8_t byte) { return (byte < 0x20 && byte != '\t' && byte != '\n') || byte >= 0x7f; });
  }

 private:
  template <typename Is>
  uint32_t maskOf(Is is) const {
    uint32_t mask = 0;
    for (size_t i = 0; i < blockBytes; i++) mask |= static_cast<uint32_t>(is(bytes_[i])) << i;
    return mask;
  }
  uint8_t bytes_[blockBytes];
#endif
};

/// The bits of the first `count` bytes.
inline uint32_t firstOf(size_t count) { return count >= blockBytes ? 0xffff : (uint32_t{1} << count) - 1; }

/// Copies text to where there is room for it, and for a block behind it. Of the bytes that `mask` selects,
/// `put(to, from, left)` writes what stands for them: `left` bytes are there from that one on. It gives where to go on,
/// or null when the text cannot be copied, which is then the result. What lies before `readable` may be read.
template <typename Mask, typename Put>
uint8_t* copyBut(uint8_t* to, const uint8_t* from, size_t length, const uint8_t* readable, Mask mask, Put put) {
  const uint8_t* const end = from + length;
  while (from != end) {
    const auto left = static_cast<size_t>(end - from);
    if (static_cast<size_t>(readable - from) < 2 * blockBytes) {
      uint8_t tail[4 * blockBytes] = {};
      std::memcpy(tail, from, left);
      return copyBut(to, tail, left, tail + sizeof tail, mask, put);
    }
    const Block block(from);
    block.store(to);
    const size_t count = left < blockBytes ? left : blockBytes;
    uint32_t rest = mask(block) & firstOf(count);
    size_t done = 0;
    while (rest != 0) {
      const auto at = static_cast<size_t>(__builtin_ctz(rest));
      rest &= rest - 1;
      to = put(to + (at - done), from + at, left - at);
      if (to == nullptr) return nullptr;
      done = at + 1;
      // What follows in the block, in its new place.
      Block(from + done).store(to);
    }
    to += count - done;
    from += count;
  }
  return to;
}

}  // namespace flowtap::text
