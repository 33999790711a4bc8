#include "source/classic_parser.h"

#include <utility>

#include "source/byte_order.h"
#include "source/link_type.h"

namespace flowtap::source {

namespace {

constexpr uint32_t magicMicroseconds = 0xa1b2c3d4;
constexpr uint32_t magicNanoseconds = 0xa1b23c4d;
constexpr uint32_t magicModified = 0xa1b2cd34;
constexpr uint32_t magicIxiaHardware = 0x1c0001ac;
constexpr uint32_t magicIxiaSoftware = 0x1c0001ab;

constexpr size_t fileHeaderBytes = 24;

bool isMagic(uint32_t magic) {
  return magic == magicMicroseconds || magic == magicNanoseconds || magic == magicModified ||
         magic == magicIxiaHardware || magic == magicIxiaSoftware;
}

}  // namespace

bool ClassicParser::recognizes(const uint8_t* magic) {
  return isMagic(load32<false>(magic)) || isMagic(load32<true>(magic));
}

// Returns how many bytes the file header has.
size_t ClassicParser::readMagic(const uint8_t* data) {
  uint32_t magic = load32<false>(data);
  swapped_ = !isMagic(magic);
  if (swapped_) magic = load32<true>(data);
  const bool ixia = magic == magicIxiaHardware || magic == magicIxiaSoftware;
  if (magic == magicNanoseconds || ixia) nsPerFraction_ = 1;
  // The modified format has an interface index, a protocol and a packet type behind the lengths of a record.
  if (magic == magicModified) recordHeaderBytes_ = 24;
  // IXIA's has the length of all records behind the file header.
  return ixia ? fileHeaderBytes + 4 : fileHeaderBytes;
}

template <bool swapped>
bool ClassicParser::readHeader(const uint8_t* data) {
  const uint16_t major = load16<swapped>(data + 4);
  const uint16_t minor = load16<swapped>(data + 6);
  if (!(major == 2 && minor <= 4) && !(major == 543 && minor == 0)) {
    damage_ = "pcap version " + std::to_string(major) + "." + std::to_string(minor) + " is not supported";
    return false;
  }
  if (major == 543 || minor < 3) {
    lengthOrder_ = LengthOrder::wireFirst;
  } else if (minor == 3) {
    lengthOrder_ = LengthOrder::smallerFirst;
  }
  interface_.snaplen = load32<swapped>(data + 16);
  interface_.linkType = normalizeLinkType(load32<swapped>(data + 20));
  maxCaptured_ = maxCapturedBytes(interface_.linkType);
  started_ = true;
  return true;
}

template <bool swapped>
ParseResult ClassicParser::readRecords(const uint8_t* data, size_t length, Packet* burst, size_t capacity) {
  const size_t headerBytes = recordHeaderBytes_;
  const int64_t nsPerFraction = nsPerFraction_;
  const uint32_t maxCaptured = maxCaptured_;
  const uint32_t linkType = interface_.linkType;
  size_t at = 0;
  size_t count = 0;
  ParseStatus status = ParseStatus::needMore;
  while (length - at >= headerBytes) {
    if (count == capacity) {
      status = ParseStatus::full;
      break;
    }
    const uint8_t* record = data + at;
    uint32_t captured = load32<swapped>(record + 8);
    uint32_t wire = load32<swapped>(record + 12);
    if (lengthOrder_ != LengthOrder::captureFirst) [[unlikely]] {
      if (lengthOrder_ == LengthOrder::wireFirst || captured > wire) std::swap(captured, wire);
    }
    if (captured > maxCaptured) [[unlikely]] {
      damage_ = "damaged at byte " + std::to_string(offset_ + at) + ": a record claims " + std::to_string(captured) +
                " bytes, at most " + std::to_string(maxCaptured) + " are possible";
      status = ParseStatus::damaged;
      break;
    }
    if (length - at - headerBytes < captured) break;
    // At most 2^32 s + 2^32 ns * 1000: fits, and stays below maxTimestampNs.
    const int64_t seconds = load32<swapped>(record);
    const int64_t fraction = load32<swapped>(record + 4);
    burst[count++] =
        Packet{record + headerBytes, captured, wire, seconds * 1'000'000'000 + fraction * nsPerFraction, linkType, 0};
    at += headerBytes + captured;
  }
  offset_ += at;
  return {status, at, count};
}

ParseResult ClassicParser::parse(const uint8_t* data, size_t length, Packet* burst, size_t capacity) {
  if (!damage_.empty()) return {ParseStatus::damaged, 0, 0};
  size_t headerBytes = 0;
  if (!started_) {
    if (length < fileHeaderBytes) return {ParseStatus::needMore, 0, 0};
    headerBytes = readMagic(data);
    if (length < headerBytes) return {ParseStatus::needMore, 0, 0};
    if (!(swapped_ ? readHeader<true>(data) : readHeader<false>(data))) return {ParseStatus::damaged, 0, 0};
    offset_ = headerBytes;
    data += headerBytes;
    length -= headerBytes;
  }
  ParseResult result =
      swapped_ ? readRecords<true>(data, length, burst, capacity) : readRecords<false>(data, length, burst, capacity);
  result.consumed += headerBytes;
  return result;
}

}  // namespace flowtap::source
