// A bounds-checked view of the bytes of one layer.
#pragma once

#include <cstdint>
#include <cstring>

namespace flowtap::decode {

inline uint16_t loadBe16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
inline uint32_t loadBe32(const uint8_t* at) {
  return static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 | static_cast<uint32_t>(at[2]) << 8 |
         at[3];
}
inline uint32_t loadBe24(const uint8_t* at) {
  return static_cast<uint32_t>(at[0]) << 16 | static_cast<uint32_t>(at[1]) << 8 | at[2];
}
inline uint16_t loadLe16(const uint8_t* at) { return static_cast<uint16_t>(at[1] << 8 | at[0]); }
inline uint32_t loadLe32(const uint8_t* at) {
  return static_cast<uint32_t>(at[3]) << 24 | static_cast<uint32_t>(at[2]) << 16 | static_cast<uint32_t>(at[1]) << 8 |
         at[0];
}

/// What is left of a packet from the current layer on: the bytes that were captured, and how many followed them on the
/// wire. The loads read relative to the current position; the caller has asked has() for the last byte that it reads.
class Reader {
 public:
  Reader() = default;
  Reader(const uint8_t* data, uint32_t captured, uint32_t beyond) : data_(data), size_(captured), beyond_(beyond) {}

  const uint8_t* data() const { return data_; }
  uint32_t size() const { return size_; }      ///< captured bytes
  uint32_t beyond() const { return beyond_; }  ///< bytes behind them that were on the wire but not captured
  uint64_t wireSize() const { return uint64_t{size_} + beyond_; }
  bool has(uint64_t count) const { return count <= size_; }

  uint8_t u8(uint32_t offset) const { return data_[offset]; }
  uint16_t be16(uint32_t offset) const { return loadBe16(data_ + offset); }
  uint32_t be24(uint32_t offset) const { return loadBe24(data_ + offset); }
  uint32_t be32(uint32_t offset) const { return loadBe32(data_ + offset); }
  uint16_t le16(uint32_t offset) const { return loadLe16(data_ + offset); }
  uint32_t le32(uint32_t offset) const { return loadLe32(data_ + offset); }

  /// Moves past `count` bytes; false, and nothing done, when fewer were captured.
  bool skip(uint64_t count) {
    if (!has(count)) return false;
    data_ += count;
    size_ -= static_cast<uint32_t>(count);
    return true;
  }

  /// Cuts the layer off behind `count` bytes; one that is shorter stays as it is.
  void limit(uint64_t count) {
    if (count <= size_) {
      size_ = static_cast<uint32_t>(count);
      beyond_ = 0;
    } else if (count < wireSize()) {
      beyond_ = static_cast<uint32_t>(count - size_);
    }
  }

  /// The layer says that it has `count` bytes. Where it has fewer, the rest counts as not captured.
  void claim(uint32_t count) {
    if (count <= size_) {
      size_ = count;
      beyond_ = 0;
    } else {
      beyond_ = count - size_;
    }
  }

 private:
  const uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
  uint32_t beyond_ = 0;
};

}  // namespace flowtap::decode
