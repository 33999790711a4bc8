// Writes text where there is room for it, which whoever makes one has seen to: one look at the room a message rather
// than one a word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace flowtap::text {

/// No number has more digits.
inline constexpr size_t maxDigits = 20;

class Pen {
 public:
  explicit Pen(uint8_t* at) : at_(at) {}

  uint8_t* at() const { return at_; }
  void moveTo(uint8_t* at) { at_ = at; }

  template <size_t size>
  void write(const char (&literal)[size]) {
    std::memcpy(at_, literal, size - 1);
    at_ += size - 1;
  }
  void write(std::string_view text) { copy(reinterpret_cast<const uint8_t*>(text.data()), text.size()); }
  void copy(const uint8_t* bytes, size_t length) {
    if (length == 0) return;
    std::memcpy(at_, bytes, length);
    at_ += length;
  }
  void put(char byte) { *at_++ = static_cast<uint8_t>(byte); }

  void number(uint64_t value) {
    char digits[maxDigits];
    char* first = digits + maxDigits;
    while (value >= 10) {
      *--first = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    *--first = static_cast<char>('0' + value);
    copy(reinterpret_cast<const uint8_t*>(first), static_cast<size_t>(digits + maxDigits - first));
  }
  /// As many as there is room for in `width` digits, with zeros in front.
  void digits(uint64_t value, unsigned width) {
    for (unsigned i = width; i-- > 0; value /= 10) at_[i] = static_cast<uint8_t>('0' + value % 10);
    at_ += width;
  }

 private:
  uint8_t* at_;
};

}  // namespace flowtap::text
