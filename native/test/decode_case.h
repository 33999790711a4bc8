// Decoding one packet and looking at all that came of it.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>

#include "decode/decoder.h"
#include "test/packet_builder.h"

namespace flowtap::test {

struct Decoding {
  explicit Decoding(const decode::DecodeOptions& options = {}) : decoder(options, stats) {}

  Stats stats;
  decode::Decoder decoder;
  decode::Segment segment = {};
  std::unique_ptr<uint8_t[]> copy;  ///< as large as the packet, so that a sanitizer sees a byte too many

  decode::DecodeResult decode(const Bytes& bytes, uint32_t linkType = 1, size_t captured = SIZE_MAX,
                              int64_t timestampNs = 0, size_t wire = 0) {
    const size_t length = captured < bytes.size() ? captured : bytes.size();
    copy = std::make_unique<uint8_t[]>(length);
    if (length != 0) std::memcpy(copy.get(), bytes.data(), length);
    const source::Packet packet = {copy.get(),
                                   static_cast<uint32_t>(length),
                                   static_cast<uint32_t>(wire != 0 ? wire : bytes.size()),
                                   timestampNs,
                                   linkType,
                                   0};
    return decoder.decode(packet, segment);
  }

  std::string payload() const {
    return std::string(reinterpret_cast<const char*>(segment.payload), segment.payloadLength);
  }

  bool balanced() const {
    return stats.packets_received ==
               stats.packets_decoded + stats.packets_notTcp + stats.packets_malformed + stats.packets_unsupported &&
           stats.packets_fragments <= stats.packets_notTcp;
  }
};

/// Decodes a packet that holds tcp("payload") whole, then cut at every byte, with and without the capture knowing of
/// it.
inline void checkPacket(const Bytes& bytes, uint32_t linkType, const std::string& payload,
                        decode::DecodeOptions options = {}) {
  for (const bool verify : {false, true}) {
    options.verifyChecksums = verify;
    Decoding whole(options);
    REQUIRE(whole.decode(bytes, linkType) == decode::DecodeResult::segment);
    CHECK(whole.payload() == payload);
    CHECK(whole.segment.truncatedLength == 0);
    CHECK(whole.segment.sourcePort == 40000);
    CHECK(whole.segment.destinationPort == 80);
    CHECK(whole.segment.sequence == 1000);
    CHECK(whole.stats.packets_truncated == 0);
    CHECK(whole.stats.packets_decoded == 1);
  }
  size_t decoded = 0;
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    for (const bool known : {false, true}) {
      Decoding part(options);
      const auto result = part.decode(bytes, linkType, cut, 0, known ? bytes.size() : cut + 1);
      CHECK(part.balanced());
      CHECK(part.stats.packets_truncated == 1);
      if (result != decode::DecodeResult::segment) continue;
      ++decoded;
      CHECK(part.segment.payload >= part.copy.get());
      CHECK(part.segment.payload + part.segment.payloadLength <= part.copy.get() + cut);
      CHECK(part.segment.payloadLength + part.segment.truncatedLength == payload.size());
      CHECK(payload.compare(0, part.segment.payloadLength, part.payload()) == 0);
    }
  }
  CHECK(decoded >= 2 * payload.size());
}

}  // namespace flowtap::test
