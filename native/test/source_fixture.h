// Capture files made byte by byte, and what the tests of the source stage share.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "source/capture_parser.h"
#include "source/sources.h"

namespace flowtap::source {

using Buffer = std::vector<uint8_t>;

/// A packet that outlives its burst.
struct Kept {
  Buffer data;
  uint32_t wireLength;
  int64_t timestampNs;
  uint32_t linkType;
  uint32_t interfaceId;
  bool operator==(const Kept&) const = default;
};

class Keeper final : public PacketSink {
 public:
  void packets(const Packet* burst, size_t count) override {
    bursts++;
    for (size_t i = 0; i < count; i++) {
      const Packet& packet = burst[i];
      kept.push_back({Buffer(packet.data, packet.data + packet.capturedLength), packet.wireLength, packet.timestampNs,
                      packet.linkType, packet.interfaceId});
    }
  }
  std::vector<Kept> kept;
  size_t bursts = 0;
};

/// Appends integers in one of the two byte orders.
class Writer {
 public:
  explicit Writer(bool bigEndian = false) : bigEndian_(bigEndian) {}

  Writer& integer(uint64_t value, int width) {
    for (int i = 0; i < width; i++) {
      bytes.push_back(static_cast<uint8_t>(value >> 8 * (bigEndian_ ? width - 1 - i : i)));
    }
    return *this;
  }
  Writer& u16(uint64_t value) { return integer(value, 2); }
  Writer& u32(uint64_t value) { return integer(value, 4); }
  Writer& u64(uint64_t value) { return integer(value, 8); }
  Writer& raw(const Buffer& from) {
    bytes.insert(bytes.end(), from.begin(), from.end());
    return *this;
  }

  /// Header and records of a classic file.
  Writer& classicHeader(uint32_t magic = 0xa1b2c3d4, uint32_t linkType = 1, uint32_t snaplen = 65535, int minor = 4) {
    return u32(magic).u16(2).u16(static_cast<uint64_t>(minor)).u32(0).u32(0).u32(snaplen).u32(linkType);
  }
  Writer& record(uint32_t seconds, uint32_t fraction, const Buffer& data, uint32_t wireLength) {
    return u32(seconds).u32(fraction).u32(data.size()).u32(wireLength).raw(data);
  }

  /// Blocks of a pcapng file. Bodies are padded.
  Writer& block(uint32_t type, Buffer body) {
    while (body.size() % 4 != 0) body.push_back(0);
    const size_t total = body.size() + 12;
    return u32(type).u32(total).raw(body).u32(total);
  }
  Writer& section(int major = 1) {
    return block(0x0a0d0d0a, part().u32(0x1a2b3c4d).u16(static_cast<uint64_t>(major)).u16(0).u64(~uint64_t{0}).bytes);
  }
  Writer& interface(uint16_t linkType = 1, uint32_t snaplen = 65535, const Buffer& options = {}) {
    return block(1, part().u16(linkType).u16(0).u32(snaplen).raw(options).bytes);
  }
  Writer& enhanced(uint32_t interface, uint64_t timestamp, const Buffer& data, uint32_t wireLength) {
    return block(6, part()
                        .u32(interface)
                        .u32(timestamp >> 32)
                        .u32(timestamp & 0xffffffff)
                        .u32(data.size())
                        .u32(wireLength)
                        .raw(data)
                        .bytes);
  }
  Writer& simple(const Buffer& data, uint32_t wireLength) { return block(3, part().u32(wireLength).raw(data).bytes); }
  Writer& obsolete(uint16_t interface, uint64_t timestamp, const Buffer& data, uint32_t wireLength) {
    return block(2, part()
                        .u16(interface)
                        .u16(7)
                        .u32(timestamp >> 32)
                        .u32(timestamp & 0xffffffff)
                        .u32(data.size())
                        .u32(wireLength)
                        .raw(data)
                        .bytes);
  }
  /// An option, padded.
  Writer& option(uint16_t code, const Buffer& value) {
    u16(code).u16(value.size()).raw(value);
    while (bytes.size() % 4 != 0) bytes.push_back(0);
    return *this;
  }
  /// An empty writer of the same byte order.
  Writer part() const { return Writer(bigEndian_); }

  Buffer bytes;

 private:
  const bool bigEndian_;
};

inline Buffer sequence(size_t length, uint8_t first = 0) {
  Buffer data(length);
  for (size_t i = 0; i < length; i++) data[i] = static_cast<uint8_t>(first + i);
  return data;
}

struct Parsed {
  std::vector<Kept> packets;
  std::string error;  // empty: ended properly
};

/// Drives a parser as a source does, `piece` more bytes at a time, each time from memory of exactly the presented size,
/// so that the address sanitizer sees any byte too many.
inline Parsed parseInPieces(const Buffer& file, size_t piece, size_t burstCapacity = 256,
                            BlockListener* listener = nullptr) {
  CaptureParser parser;
  parser.listen(listener);
  Keeper keeper;
  std::vector<Packet> burst(burstCapacity);
  size_t begin = 0;
  size_t end = 0;
  for (;;) {
    const Buffer window(file.begin() + static_cast<std::ptrdiff_t>(begin),
                        file.begin() + static_cast<std::ptrdiff_t>(end));
    const ParseResult result = parser.parse(window.data(), window.size(), burst.data(), burst.size());
    if (result.count > 0) keeper.packets(burst.data(), result.count);
    begin += result.consumed;
    if (result.status == ParseStatus::damaged) {
      // Damage is final.
      CHECK(parser.parse(file.data() + begin, end - begin, burst.data(), burst.size()).status == ParseStatus::damaged);
      return {keeper.kept, parser.damage()};
    }
    if (result.status == ParseStatus::full) {
      REQUIRE(result.count > 0);
      continue;
    }
    if (end == file.size()) return {keeper.kept, parser.endOfInput(file.data() + begin, end - begin)};
    end = std::min(end + piece, file.size());
  }
}

/// A path that is removed at the end, with a file in it or not.
class TemporaryPath {
 public:
  TemporaryPath() {
    char name[] = "/tmp/flowtap-source-XXXXXX";
    const int descriptor = mkstemp(name);
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path = name;
  }
  explicit TemporaryPath(const Buffer& content) : TemporaryPath() {
    FILE* file = std::fopen(path.c_str(), "wb");
    REQUIRE(file != nullptr);
    if (!content.empty()) REQUIRE(std::fwrite(content.data(), 1, content.size(), file) == content.size());
    std::fclose(file);
  }
  ~TemporaryPath() { unlink(path.c_str()); }
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  std::string path;
};

/// Reads until the source says something else than "packets".
inline ReadStatus drain(PacketSource& source, Keeper& keeper, int timeoutMs = -1) {
  ReadStatus status;
  do {
    status = source.read(keeper, timeoutMs);
  } while (status == ReadStatus::packets);
  return status;
}

inline bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("\"" << text << "\" lacks \"" << part << "\"");
  return found;
}

}  // namespace flowtap::source
