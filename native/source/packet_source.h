// The interface of everything packets can come from.
#pragma once

#include <cstdint>
#include <string>

#include "source/packet.h"

namespace flowtap::source {

/// A failure of the system or of the input, with the stable code that JavaScript shows (ERR_PERMISSION,
/// ERR_NO_INTERFACE, ERR_FILTER, ERR_FILE, ERR_CAPTURE) and a message that says what to do next.
struct Error {
  std::string code;
  std::string message;
  explicit operator bool() const { return !code.empty(); }
};

enum class ReadStatus : uint8_t {
  packets,      ///< at least one packet was delivered
  idle,         ///< nothing arrived within the time-out
  interrupted,  ///< wake() was called
  end,          ///< the input is exhausted
  failed,       ///< error() tells why; what came before the damage was delivered
};

/// What a source turned out to be once it was opened. Who feeds a stream or a FIFO may take its time, so open() does
/// not wait for their header: linkType and snaplen are filled by the read() that sees it. A bad filter or header fails
/// that read(), and they stay as they are.
struct SourceInfo {
  std::string interface;  ///< interface name, empty for files and streams
  std::string linkType;   ///< name such as "EN10MB" as libpcap spells it; of the first interface
  std::string filter;     ///< the BPF expression in force in the kernel or, for files, on each packet; may be empty
  uint32_t snaplen = 0;   ///< 0 when unknown
};

/// Cumulative figures that only the source knows.
struct SourceCounters {
  uint64_t kernelReceived = 0;    ///< packets the kernel counted for this capture
  uint64_t kernelDropped = 0;     ///< packets the kernel dropped because its buffer was full
  uint64_t interfaceDropped = 0;  ///< packets the interface or driver dropped
  uint64_t filteredOut = 0;       ///< packets of a file that the BPF expression rejected
};

/// Threads: open(), read(), counters() and the destructor belong to the capture thread; wake() may be called from any
/// thread at any time between construction and destruction, and makes a blocked or the next read() return
/// `interrupted`.
class PacketSource {
 public:
  virtual ~PacketSource() = default;
  /// Opens the device or file; false when that failed (see error()).
  virtual bool open() = 0;
  /// Delivers what is there, a bounded amount a call (some hundreds of packets), waiting up to timeoutMs for the first
  /// packet.
  virtual ReadStatus read(PacketSink& sink, int timeoutMs) = 0;
  virtual void wake() = 0;
  virtual const SourceInfo& info() const = 0;
  virtual SourceCounters counters() = 0;
  virtual const Error& error() const = 0;
};

}  // namespace flowtap::source
