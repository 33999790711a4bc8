// Writes pcapng files (draft-ietf-opsawg-pcapng): one section each, an interface for each that packets come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "byte_buffer.h"
#include "source/packet.h"
#include "source/packet_source.h"

namespace flowtap::recording {

/// One file after the other: `day-0001.pcapng`, `day-0002.pcapng`, …
struct OutputRotation {
  std::string stem;    ///< `day`
  std::string ending;  ///< `.pcapng`
  uint64_t firstNumber = 1;
  uint64_t bytes = 0;  ///< a new one when a file has so many; 0: whatever it has
  int64_t ns = 0;  ///< a new one with the packet that is so much later than the first of its file; 0: whenever it is
};

struct OutputOptions {
  std::string path;
  bool replace = false;                                   ///< a file that exists
  std::string interface;                                  ///< name of the one that is captured from, or empty
  uint32_t snaplen = 0;                                   ///< 0: no limit known
  std::optional<OutputRotation> rotation = std::nullopt;  ///< instead of the path
};

class PcapngWriter {
 public:
  explicit PcapngWriter(const OutputOptions& options) : options_(options) {}
  ~PcapngWriter();
  PcapngWriter(const PcapngWriter&) = delete;
  PcapngWriter& operator=(const PcapngWriter&) = delete;

  /// Makes the first file, readable for its owner alone. Nothing is written to it yet.
  bool open();
  /// Room for the packet's captured bytes, to be filled before the next call; null when the file failed. What
  /// `packet.data` says does not matter.
  uint8_t* add(const source::Packet& packet);
  /// Hands what is buffered to the system.
  bool flush();
  /// As flush(), and nothing follows.
  bool close();

  /// Made so far, and those of them that are closed.
  uint64_t files() const { return files_; }
  uint64_t finishedFiles() const { return finishedFiles_; }

  /// Once it is set nothing more is written. The file ends with a whole block.
  const source::Error& error() const { return error_; }

 private:
  bool isFull(const source::Packet& packet) const;
  bool makeFile();
  uint32_t interfaceOf(const source::Packet& packet);
  void writeSection();
  void writeInterface(uint32_t linkType);
  bool fail(int error);
  bool fail(const std::string& reason);

  const OutputOptions options_;
  ByteBuffer buffer_;
  std::unordered_map<uint64_t, uint32_t> interfaces_;  ///< by interface of the source and link type
  uint64_t lastInterface_ = ~uint64_t{0};
  uint32_t lastIndex_ = 0;
  std::string path_;
  uint64_t files_ = 0;
  uint64_t finishedFiles_ = 0;
  std::optional<int64_t> beginsNs_;  ///< the first packet in the file
  uint64_t written_ = 0;             ///< bytes in the file
  int file_ = -1;
  source::Error error_;
};

}  // namespace flowtap::recording
