// The classic pcap format: one header, then records.
// https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap
#pragma once

#include <string>

#include "source/packet.h"
#include "source/parse_result.h"

namespace flowtap::source {

/// Pure and incremental; see CaptureParser for how it is driven.
class ClassicParser {
 public:
  /// Whether four bytes begin a file of this format: micro- and nanoseconds in both byte orders, the "modified" format
  /// with longer record headers, and both lcap formats of IXIA.
  static bool recognizes(const uint8_t* magic);

  ParseResult parse(const uint8_t* data, size_t length, Packet* burst, size_t capacity);

  bool started() const { return started_; }
  const CaptureInterface& interface() const { return interface_; }
  /// Why it is damaged.
  const std::string& damage() const { return damage_; }

 private:
  // Versions before 2.3 wrote the two lengths of a record the other way round, and some programs did so while
  // naming 2.3.
  enum class LengthOrder : uint8_t { captureFirst, smallerFirst, wireFirst };

  template <bool swapped>
  bool readHeader(const uint8_t* data);
  template <bool swapped>
  ParseResult readRecords(const uint8_t* data, size_t length, Packet* burst, size_t capacity);
  size_t readMagic(const uint8_t* data);

  bool started_ = false;
  bool swapped_ = false;
  LengthOrder lengthOrder_ = LengthOrder::captureFirst;
  size_t recordHeaderBytes_ = 16;
  int64_t nsPerFraction_ = 1000;
  uint32_t maxCaptured_ = 0;
  uint64_t offset_ = 0;  // bytes consumed before the ones at hand
  CaptureInterface interface_ = {};
  std::string damage_;
};

}  // namespace flowtap::source
