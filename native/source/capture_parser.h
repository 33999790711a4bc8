// Capture files of every format, from bytes in memory.
#pragma once

#include <string>

#include "source/classic_parser.h"
#include "source/pcapng_parser.h"

namespace flowtap::source {

/// Turns the bytes of a capture file into packets that point into those bytes. Pure: no I/O, no allocation per packet.
///
/// The caller presents contiguous bytes. Those that parse() did not consume are presented again, with more behind them,
/// by the next call; packets stay valid as long as their bytes do.
class CaptureParser {
 public:
  /// Fills a burst of up to `capacity` packets. With a capacity of 0 it goes up to the first packet.
  ParseResult parse(const uint8_t* data, size_t length, Packet* burst, size_t capacity);

  /// To be asked when the input ended and parse() wants more than the `rest` bytes that are left over.
  /// Empty when that is a proper end, otherwise what is wrong ("ends in the middle of a record").
  std::string endOfInput(const uint8_t* data, size_t rest) const;

  /// The first interface is known.
  bool started() const;
  const CaptureInterface& interface() const;
  /// Why the status is `damaged`, worded to follow the name of the file: "is not a capture file …".
  const std::string& damage() const;
  /// For blocks that hold no packets, before the first parse().
  void listen(BlockListener* listener) { pcapng_.listen(listener); }

 private:
  enum class Format : uint8_t { unknown, classic, pcapng };
  Format format_ = Format::unknown;
  uint64_t consumed_ = 0;
  ClassicParser classic_;
  PcapngParser pcapng_;
  std::string damage_;
};

}  // namespace flowtap::source
