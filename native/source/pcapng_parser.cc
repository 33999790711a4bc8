#include "source/pcapng_parser.h"

#include <algorithm>

#include "source/byte_order.h"
#include "source/link_type.h"

namespace flowtap::source {

namespace {

constexpr uint32_t blockSectionHeader = 0x0a0d0d0a;  // the same in both byte orders
constexpr uint32_t blockInterface = 1;
constexpr uint32_t blockPacketObsolete = 2;
constexpr uint32_t blockSimplePacket = 3;
constexpr uint32_t blockEnhancedPacket = 6;
constexpr uint32_t byteOrderMagic = 0x1a2b3c4d;

constexpr uint16_t optionEnd = 0;
constexpr uint16_t optionTimestampResolution = 9;
constexpr uint16_t optionTimestampOffset = 14;

constexpr size_t headerBytes = 8;
constexpr size_t trailerBytes = 4;
constexpr size_t sectionBodyBytes = 16;
constexpr size_t interfaceBodyBytes = 8;
constexpr size_t packetBodyBytes = 20;  // enhanced and obsolete
constexpr size_t simplePacketBodyBytes = 4;
constexpr uint32_t maxOptionBytes = 128u << 10;

// No capture has that many; it bounds what a file of nothing but interfaces can make us remember.
constexpr size_t maxInterfaces = 1u << 16;

constexpr uint64_t nsPerSecond = 1'000'000'000;

bool isPacket(uint32_t type) {
  return type == blockEnhancedPacket || type == blockSimplePacket || type == blockPacketObsolete;
}

__extension__ typedef unsigned __int128 uint128;

}  // namespace

bool PcapngParser::recognizes(const uint8_t* magic) { return load32<false>(magic) == blockSectionHeader; }

bool PcapngParser::fail(const std::string& what) {
  damage_ = "damaged at byte " + std::to_string(offset_) + ": " + what;
  return false;
}

void PcapngParser::setResolution(Interface& interface, uint8_t resolution) {
  interface.unitsPerSecond = 1;
  if ((resolution & 0x80) != 0) {
    interface.unitsPerSecond <<= resolution & 0x7f;
  } else {
    for (unsigned i = 0; i < resolution; i++) interface.unitsPerSecond *= 10;
  }
  interface.nsPerUnit = nsPerSecond % interface.unitsPerSecond == 0 ? nsPerSecond / interface.unitsPerSecond : 0;
}

int64_t PcapngParser::toNanoseconds(const Interface& interface, uint64_t timestamp) {
  uint64_t ns;
  if (interface.nsPerUnit != 0) [[likely]] {
    if (__builtin_mul_overflow(timestamp, interface.nsPerUnit, &ns)) return maxTimestampNs;
  } else {
    const uint64_t seconds = timestamp / interface.unitsPerSecond;
    const uint64_t rest = timestamp % interface.unitsPerSecond;
    // The product of two 64-bit numbers; the quotient is less than a second again.
    const uint64_t restNs = static_cast<uint64_t>(uint128{rest} * nsPerSecond / interface.unitsPerSecond);
    if (__builtin_mul_overflow(seconds, nsPerSecond, &ns) || __builtin_add_overflow(ns, restNs, &ns))
      return maxTimestampNs;
  }
  if (interface.offsetSeconds != 0) [[unlikely]] {
    // Offsets beyond any clamped result are as good as the limit, and then nothing below can overflow.
    const int64_t limit = maxTimestampNs / static_cast<int64_t>(nsPerSecond);
    const int64_t offsetNs = std::clamp(interface.offsetSeconds, -limit, limit) * static_cast<int64_t>(nsPerSecond);
    const int64_t base = static_cast<int64_t>(std::min<uint64_t>(ns, maxTimestampNs));
    return std::clamp<int64_t>(base + offsetNs, 0, maxTimestampNs);
  }
  return static_cast<int64_t>(std::min<uint64_t>(ns, maxTimestampNs));
}

template <bool swapped>
bool PcapngParser::readSection(const uint8_t* body) {
  const uint16_t major = load16<swapped>(body + 4);
  if (major != 1) {
    const uint16_t minor = load16<swapped>(body + 6);
    return fail("pcapng version " + std::to_string(major) + "." + std::to_string(minor) + " is not supported");
  }
  firstInterfaceId_ += static_cast<uint32_t>(interfaces_.size());
  interfaces_.clear();
  return true;
}

template <bool swapped>
bool PcapngParser::readInterfaceOptions(const uint8_t* options, size_t length, Interface& interface) {
  while (length > 0) {
    if (length < 4) return fail("an option of an interface is cut short");
    const uint16_t code = load16<swapped>(options);
    const uint16_t valueBytes = load16<swapped>(options + 2);
    const size_t padded = (size_t{valueBytes} + 3) & ~size_t{3};
    if (length - 4 < padded) return fail("an option of an interface is longer than its block");
    const uint8_t* value = options + 4;
    if (code == optionEnd) return true;
    if (code == optionTimestampResolution) {
      if (valueBytes != 1) return fail("if_tsresol has " + std::to_string(valueBytes) + " bytes instead of 1");
      const uint8_t exponent = *value & 0x7f;
      if (exponent > ((*value & 0x80) != 0 ? 63 : 19)) {
        return fail("if_tsresol names a resolution beyond 64 bits");
      }
      setResolution(interface, *value);
    } else if (code == optionTimestampOffset) {
      if (valueBytes != 8) return fail("if_tsoffset has " + std::to_string(valueBytes) + " bytes instead of 8");
      interface.offsetSeconds = static_cast<int64_t>(load64<swapped>(value));
    }
    options += 4 + padded;
    length -= 4 + padded;
  }
  return true;
}

template <bool swapped>
bool PcapngParser::readInterface(const uint8_t* body, size_t length) {
  if (length < interfaceBodyBytes) return fail("an interface description of " + std::to_string(length) + " bytes");
  if (interfaces_.size() == maxInterfaces) return fail("more than " + std::to_string(maxInterfaces) + " interfaces");
  Interface interface = {};
  interface.description.linkType = normalizeLinkType(load16<swapped>(body));
  interface.description.snaplen = load32<swapped>(body + 4);
  interface.maxCaptured = maxCapturedBytes(interface.description.linkType);
  setResolution(interface, 6);
  if (!readInterfaceOptions<swapped>(body + interfaceBodyBytes, length - interfaceBodyBytes, interface)) return false;
  maxBlockBytes_ = std::max(maxBlockBytes_, interface.maxCaptured + maxOptionBytes);
  interfaces_.push_back(interface);
  if (!started_) {
    started_ = true;
    first_ = interface.description;
  }
  return true;
}

PcapngParser::BlockResult PcapngParser::emit(const PacketFields& fields, Packet* packet) {
  if (fields.interface >= interfaces_.size()) {
    fail("a packet of interface " + std::to_string(fields.interface) + ", which was not described before");
    return BlockResult::damaged;
  }
  const Interface& interface = interfaces_[fields.interface];
  if (fields.captured > interface.maxCaptured || fields.captured > fields.room) {
    fail("a packet of " + std::to_string(fields.captured) + " bytes in a block with room for " +
         std::to_string(fields.room));
    return BlockResult::damaged;
  }
  *packet = Packet{fields.data,
                   fields.captured,
                   fields.wire,
                   toNanoseconds(interface, fields.timestamp),
                   interface.description.linkType,
                   firstInterfaceId_ + fields.interface};
  return BlockResult::packet;
}

template <bool swapped>
PcapngParser::BlockResult PcapngParser::readBlock(uint32_t type, const uint8_t* body, size_t length, Packet* packet) {
  PacketFields fields;
  switch (type) {
    case blockEnhancedPacket:
    case blockPacketObsolete: {
      if (length < packetBodyBytes) break;
      const bool enhanced = type == blockEnhancedPacket;
      fields.interface = enhanced ? load32<swapped>(body) : load16<swapped>(body);
      fields.timestamp = uint64_t{load32<swapped>(body + 4)} << 32 | load32<swapped>(body + 8);
      fields.captured = load32<swapped>(body + 12);
      fields.wire = load32<swapped>(body + 16);
      fields.data = body + packetBodyBytes;
      fields.room = length - packetBodyBytes;
      return emit(fields, packet);
    }
    case blockSimplePacket: {
      if (length < simplePacketBodyBytes) break;
      fields.interface = 0;
      fields.timestamp = 0;  // it has none
      fields.wire = load32<swapped>(body);
      const uint32_t snaplen = interfaces_.empty() ? 0 : interfaces_[0].description.snaplen;
      fields.captured = snaplen == 0 ? fields.wire : std::min(fields.wire, snaplen);
      fields.data = body + simplePacketBodyBytes;
      fields.room = length - simplePacketBodyBytes;
      return emit(fields, packet);
    }
    case blockInterface:
      return readInterface<swapped>(body, length) ? BlockResult::other : BlockResult::damaged;
    case blockSectionHeader:
      if (length < sectionBodyBytes) break;
      return readSection<swapped>(body) ? BlockResult::other : BlockResult::damaged;
    default:
      if (listener_ != nullptr) listener_->block(type, body, length, swapped);
      return BlockResult::other;
  }
  fail("a block of type " + std::to_string(type) + " with only " + std::to_string(length) + " bytes");
  return BlockResult::damaged;
}

// Goes on to the end of the bytes, of the burst, or of the section's byte order.
template <bool swapped>
ParseResult PcapngParser::readBlocks(const uint8_t* data, size_t length, Packet* burst, size_t capacity) {
  size_t at = 0;
  size_t count = 0;
  while (length - at >= headerBytes + trailerBytes) {
    const uint8_t* block = data + at;
    const uint32_t type = load32<swapped>(block);
    if (count == capacity && isPacket(type)) return {ParseStatus::full, at, count};
    if (type == blockSectionHeader) {
      const uint32_t order = load32<swapped>(block + headerBytes);
      if (order == __builtin_bswap32(byteOrderMagic)) {
        swapped_ = !swapped_;
        return {ParseStatus::needMore, at, count};
      }
      if (order != byteOrderMagic) {
        fail("a section header without the byte-order magic");
        return {ParseStatus::damaged, at, count};
      }
    }
    const uint32_t total = load32<swapped>(block + 4);
    if (total < headerBytes + trailerBytes || total % 4 != 0 || total > maxBlockBytes_) {
      fail("a block of " + std::to_string(total) + " bytes");
      return {ParseStatus::damaged, at, count};
    }
    if (length - at < total) break;
    if (load32<swapped>(block + total - trailerBytes) != total) {
      fail("the two lengths of a block differ");
      return {ParseStatus::damaged, at, count};
    }
    const BlockResult result =
        readBlock<swapped>(type, block + headerBytes, total - headerBytes - trailerBytes, burst + count);
    if (result == BlockResult::damaged) return {ParseStatus::damaged, at, count};
    if (result == BlockResult::packet) count++;
    at += total;
    offset_ += total;
  }
  return {ParseStatus::needMore, at, count};
}

ParseResult PcapngParser::parse(const uint8_t* data, size_t length, Packet* burst, size_t capacity) {
  if (!damage_.empty()) return {ParseStatus::damaged, 0, 0};
  ParseResult total = {ParseStatus::needMore, 0, 0};
  bool orderChanged;
  do {
    const bool order = swapped_;
    const uint8_t* from = data + total.consumed;
    const ParseResult part =
        order ? readBlocks<true>(from, length - total.consumed, burst + total.count, capacity - total.count)
              : readBlocks<false>(from, length - total.consumed, burst + total.count, capacity - total.count);
    total = {part.status, total.consumed + part.consumed, total.count + part.count};
    orderChanged = swapped_ != order;
  } while (orderChanged);
  return total;
}

}  // namespace flowtap::source
