#include "recording/recorder.h"

#include <cstring>
#include <system_error>

namespace flowtap::recording {

/// What is in the spool before the bytes of a packet.
struct Recorder::Waiting {
  Key key;
  int64_t timestampNs;
  uint32_t capturedLength;
  uint32_t wireLength;
  uint32_t linkType;
  uint32_t interfaceId;
};

Recorder::Recorder(const RecordingOptions& options, Stats& stats)
    : options_(options), stats_(stats), writer_(options.output), spool_(options.spoolDirectory) {}

bool Recorder::open(bool consumerSelects) {
  consumerSelects_ = consumerSelects;
  open_ = writer_.open();
  if (!open_) fail(writer_.error());
  stats_.write_files = writer_.files();
  return open_;
}

void Recorder::packet(const source::Packet& packet, Key key) {
  if (!open_) return;
  nowNs_ = packet.timestampNs;
  const Verdict verdict = isProvisional(key) ? Verdict::wait : ledger_.verdict(key, nowNs_);
  if (verdict == Verdict::drop) return;
  if (verdict == Verdict::write && spool_.size() == 0) return writeNow(packet, key);
  const Waiting waiting = {
      key, packet.timestampNs, packet.capturedLength, packet.wireLength, packet.linkType, packet.interfaceId};
  if (!spool_.append(&waiting, sizeof waiting) || !spool_.append(packet.data, packet.capturedLength))
    return failSpool();
  ledger_.hold(key, nowNs_);
  stats_.write_waitingBytes = spool_.size();
  if (spool_.size() > options_.maxSpoolBytes) resolve(options_.maxSpoolBytes, false);
}

void Recorder::delivered(Key connection, uint64_t message, bool dropped) {
  if (!dropped)
    ledger_.expect(connection, message);
  else if (!consumerSelects_)
    ledger_.selectPast(connection, message);
}

void Recorder::decide(const std::vector<uint64_t>& connections, uint64_t upTo) {
  for (const uint64_t connection : connections) ledger_.select(connection);
  ledger_.decidedUpTo(upTo);
}

void Recorder::settle() { resolve(options_.maxSpoolBytes, false); }

void Recorder::pause(int64_t nowNs) {
  nowNs_ = nowNs;
  settle();
  if (open_ && !writer_.flush()) fail(writer_.error());
}

void Recorder::finish() {
  if (!awaitsConsumer()) ledger_.decidedUpTo(~uint64_t{0});
  resolve(0, true);
  if (open_ && !writer_.close()) fail(writer_.error());
  open_ = false;
}

/// Takes packets out of the spool until one has to wait, and there is room for it. `last`: nothing waits any longer.
void Recorder::resolve(uint64_t maxBytes, bool last) {
  Waiting waiting;
  while (open_ && spool_.size() != 0) {
    if (!spool_.peek(&waiting, sizeof waiting)) return failSpool();
    Verdict verdict = ledger_.verdict(waiting.key, nowNs_);
    if (verdict == Verdict::wait && !last) {
      if (spool_.size() <= maxBytes) break;
      // It matches. Better written than lost, though the consumer may leave before it comes to it.
      if (!consumerSelects_ && ledger_.isWithConsumer(waiting.key))
        verdict = Verdict::write;
      else
        letGo(waiting.capturedLength);
    }
    spool_.skip(sizeof waiting);
    if (verdict != Verdict::write)
      spool_.skip(waiting.capturedLength);
    else if (!write(waiting))
      return;
    ledger_.release(waiting.key);
  }
  stats_.write_waitingBytes = spool_.size();
}

void Recorder::writeNow(const source::Packet& packet, Key key) {
  uint8_t* at = writer_.add(packet);
  if (at == nullptr) return fail(writer_.error());
  if (packet.capturedLength != 0) std::memcpy(at, packet.data, packet.capturedLength);
  noteWritten(key, packet.capturedLength);
}

bool Recorder::write(const Waiting& waiting) {
  const source::Packet packet = {nullptr,          waiting.capturedLength, waiting.wireLength, waiting.timestampNs,
                                 waiting.linkType, waiting.interfaceId};
  uint8_t* at = writer_.add(packet);
  if (at == nullptr) {
    fail(writer_.error());
    return false;
  }
  if (!spool_.take(at, waiting.capturedLength)) {
    failSpool();
    return false;
  }
  noteWritten(waiting.key, waiting.capturedLength);
  return true;
}

void Recorder::noteWritten(Key key, uint32_t bytes) {
  stats_.write_files = writer_.files();
  stats_.write_packets++;
  stats_.write_bytes += bytes;
  stats_.write_connections += ledger_.noteWritten(key);
}

void Recorder::letGo(uint32_t bytes) {
  stats_.write_packetsLetGo++;
  stats_.write_bytesLetGo += bytes;
}

void Recorder::fail(const source::Error& error) {
  error_ = error;
  open_ = false;
  spool_.clear();
  stats_.write_waitingBytes = 0;
}

void Recorder::failSpool() {
  const std::string reason = std::generic_category().message(spool_.failure());
  // What is written already is good.
  writer_.close();
  fail({"ERR_FILE",
        "cannot keep packets in " + options_.spoolDirectory + " until it is known which to write: " + reason});
}

}  // namespace flowtap::recording
