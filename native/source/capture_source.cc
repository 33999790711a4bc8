// Packets of a capture file, from a path or from a stream.
#include <utility>

#include "source/byte_source.h"
#include "source/capture_parser.h"
#include "source/link_type.h"
#include "source/packet_filter.h"
#include "source/read_buffer.h"
#include "source/sources.h"

namespace flowtap::source {

namespace {

constexpr size_t maxBurst = 256;

class CaptureSource final : public PacketSource {
 public:
  CaptureSource(std::unique_ptr<ByteSource> bytes, std::string filter) : bytes_(std::move(bytes)), filter_(filter) {
    info_.filter = std::move(filter);
  }

  // The header of a regular file is read here, so that what is wrong with it is known at once. Who sends a stream or
  // writes to a FIFO may take its time, and only read() can be interrupted: there the header is part of the first
  // read().
  bool open() override {
    if (!bytes_->open(error_)) return false;
    if (!bytes_->isComplete()) return true;
    while (!ended_) {
      const ParseResult result = parser_.parse(buffer_.data(), buffer_.size(), nullptr, 0);
      buffer_.consume(result.consumed);
      if (result.status == ParseStatus::damaged) return fail(parser_.damage());
      if (!describe()) return false;
      if (described_ || result.status == ParseStatus::full) break;
      const ByteSource::Result fetched = fetch(0);
      if (fetched == ByteSource::Result::failed) return false;
      if (fetched == ByteSource::Result::end && !finish()) return false;
      // A wake() in between belongs to the next read().
      if (fetched == ByteSource::Result::interrupted) wokenEarly_ = true;
    }
    return true;
  }

  ReadStatus read(PacketSink& sink, int timeoutMs) override {
    if (std::exchange(wokenEarly_, false)) return ReadStatus::interrupted;
    for (;;) {
      if (bytes_->takeWake()) return ReadStatus::interrupted;
      if (error_) return ReadStatus::failed;
      if (ended_) return ReadStatus::end;
      const ParseResult result = parser_.parse(buffer_.data(), buffer_.size(), burst_, maxBurst);
      if (!describe()) return ReadStatus::failed;
      const size_t kept = result.count == 0 ? 0 : filter_.keepMatching(burst_, result.count);
      filteredOut_ += result.count - kept;
      if (kept > 0) sink.packets(burst_, kept);
      buffer_.consume(result.consumed);
      if (kept > 0) return ReadStatus::packets;
      if (result.status == ParseStatus::damaged) {
        fail(parser_.damage());
        return ReadStatus::failed;
      }
      if (result.status == ParseStatus::full) continue;
      switch (fetch(timeoutMs)) {
        case ByteSource::Result::bytes:
          break;
        case ByteSource::Result::timeout:
          return ReadStatus::idle;
        case ByteSource::Result::interrupted:
          return ReadStatus::interrupted;
        case ByteSource::Result::end:
          return finish() ? ReadStatus::end : ReadStatus::failed;
        case ByteSource::Result::failed:
          return ReadStatus::failed;
      }
    }
  }

  void wake() override { bytes_->wake(); }
  const SourceInfo& info() const override { return info_; }
  SourceCounters counters() override {
    SourceCounters counters;
    counters.filteredOut = filteredOut_;
    return counters;
  }
  const Error& error() const override { return error_; }

 private:
  // Once the first interface is known. A bad filter leaves it undescribed.
  bool describe() {
    if (described_ || !parser_.started()) return true;
    const CaptureInterface& interface = parser_.interface();
    error_ = filter_.prepare(interface.linkType);
    if (error_) return false;
    described_ = true;
    info_.linkType = linkTypeName(interface.linkType);
    info_.snaplen = interface.snaplen;
    return true;
  }

  ByteSource::Result fetch(int timeoutMs) {
    if (!buffer_.prepare()) {
      error_ = {"ERR_FILE", bytes_->name() + " needs more memory than there is"};
      return ByteSource::Result::failed;
    }
    size_t length = 0;
    const ByteSource::Result result = bytes_->read(buffer_.room(), buffer_.roomBytes(), length, timeoutMs, error_);
    if (result == ByteSource::Result::bytes) buffer_.commit(length);
    return result;
  }

  bool finish() {
    ended_ = true;
    const std::string wrong = parser_.endOfInput(buffer_.data(), buffer_.size());
    return wrong.empty() ? true : fail(wrong);
  }

  bool fail(const std::string& what) {
    error_ = {"ERR_FILE", bytes_->name() + " " + what};
    return false;
  }

  const std::unique_ptr<ByteSource> bytes_;
  CaptureParser parser_;
  PacketFilter filter_;
  ReadBuffer buffer_;
  SourceInfo info_;
  Error error_;
  uint64_t filteredOut_ = 0;
  bool described_ = false;
  bool ended_ = false;
  bool wokenEarly_ = false;
  Packet burst_[maxBurst];
};

}  // namespace

std::unique_ptr<PacketSource> makeFileSource(FileOptions options) {
  return std::make_unique<CaptureSource>(makeFileBytes(std::move(options.path)), std::move(options.filter));
}

std::unique_ptr<PacketSource> makeStreamSource(StreamOptions options) {
  return std::make_unique<CaptureSource>(makeQueueBytes(std::move(options.queue)), std::move(options.filter));
}

}  // namespace flowtap::source
