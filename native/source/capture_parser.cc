#include "source/capture_parser.h"

#include <cstdio>
#include <cstring>

namespace flowtap::source {

namespace {

constexpr size_t magicBytes = 4;

struct Signature {
  const char* bytes;
  size_t length;
  const char* advice;
};

constexpr Signature signatures[] = {
    {"\x1f\x8b", 2, "is compressed with gzip; decompress it first (gzip -dc)"},
    {"\x28\xb5\x2f\xfd", 4, "is compressed with zstd; decompress it first (zstd -dc)"},
    {"\xfd\x37\x7a\x58", 4, "is compressed with xz; decompress it first (xz -dc)"},
    {"BZh", 3, "is compressed with bzip2; decompress it first (bzip2 -dc)"},
    {"\x04\x22\x4d\x18", 4, "is compressed with lz4; decompress it first (lz4 -dc)"},
    {"PK\x03\x04", 4, "is a ZIP archive; extract the capture file first"},
    {"snoo", 4, "is a snoop capture; convert it first (editcap -F pcapng)"},
};

std::string describeUnknown(const uint8_t* data) {
  for (const Signature& signature : signatures) {
    if (std::memcmp(data, signature.bytes, signature.length) == 0) return signature.advice;
  }
  char text[80];
  std::snprintf(text, sizeof text, "is not a pcap or pcapng capture file (it begins with %02x %02x %02x %02x)", data[0],
                data[1], data[2], data[3]);
  return text;
}

}  // namespace

ParseResult CaptureParser::parse(const uint8_t* data, size_t length, Packet* burst, size_t capacity) {
  if (format_ == Format::unknown) {
    if (!damage_.empty()) return {ParseStatus::damaged, 0, 0};
    if (length < magicBytes) return {ParseStatus::needMore, 0, 0};
    if (PcapngParser::recognizes(data)) {
      format_ = Format::pcapng;
    } else if (ClassicParser::recognizes(data)) {
      format_ = Format::classic;
    } else {
      damage_ = describeUnknown(data);
      return {ParseStatus::damaged, 0, 0};
    }
  }
  const ParseResult result = format_ == Format::classic ? classic_.parse(data, length, burst, capacity)
                                                        : pcapng_.parse(data, length, burst, capacity);
  consumed_ += result.consumed;
  if (result.status == ParseStatus::damaged && damage_.empty()) {
    const std::string& reason = format_ == Format::classic ? classic_.damage() : pcapng_.damage();
    // Without a single good record or interface the magic number alone proves little.
    damage_ = started() ? "is " + reason : "cannot be read as a capture file: " + reason;
  }
  return result;
}

std::string CaptureParser::endOfInput(const uint8_t* data, size_t rest) const {
  if (consumed_ == 0 && rest == 0) return "is empty";
  if (format_ == Format::unknown) {
    // Two bytes are enough to tell gzip.
    uint8_t magic[magicBytes] = {};
    std::memcpy(magic, data, rest < magicBytes ? rest : magicBytes);
    std::string advice = describeUnknown(magic);
    if (advice.find("compressed") != std::string::npos) return advice;
    return "is not a capture file: it has only " + std::to_string(rest) + " bytes";
  }
  if (rest == 0) return {};
  if (!started()) return "is truncated in the middle of its header";
  return "is truncated in the middle of a record, at byte " + std::to_string(consumed_) + " (" + std::to_string(rest) +
         " bytes are left over)";
}

bool CaptureParser::started() const { return format_ == Format::classic ? classic_.started() : pcapng_.started(); }

const CaptureInterface& CaptureParser::interface() const {
  return format_ == Format::classic ? classic_.interface() : pcapng_.interface();
}

const std::string& CaptureParser::damage() const { return damage_; }

}  // namespace flowtap::source
