// Where the bytes of a capture file come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "source/byte_queue.h"
#include "source/packet_source.h"

namespace flowtap::source {

class ByteSource {
 public:
  enum class Result : uint8_t { bytes, timeout, interrupted, end, failed };

  virtual ~ByteSource() = default;
  /// Fills `error` when it returns false.
  virtual bool open(Error& error) = 0;
  /// Whether all bytes are there without waiting for anybody, as in a regular file. After open().
  virtual bool isComplete() const = 0;
  /// What the errors call it: `"x.pcap"`, `the stream`.
  virtual std::string name() const = 0;
  /// Reads what there is, at least one byte, waiting up to timeoutMs for it (-1: for ever).
  virtual Result read(uint8_t* into, size_t capacity, size_t& length, int timeoutMs, Error& error) = 0;
  /// Any thread: the blocked or the next read() or takeWake() tells.
  virtual void wake() = 0;
  virtual bool takeWake() = 0;
};

std::unique_ptr<ByteSource> makeFileBytes(std::string path);
std::unique_ptr<ByteSource> makeQueueBytes(std::shared_ptr<ByteQueue> queue);

}  // namespace flowtap::source
