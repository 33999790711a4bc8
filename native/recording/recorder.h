// Keeps packets until it is known whether their connection is wanted, and writes those that are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recording/ledger.h"
#include "recording/pcapng_writer.h"
#include "recording/spool.h"
#include "source/packet.h"
#include "stats.h"

namespace flowtap::recording {

struct RecordingOptions {
  OutputOptions output;
  std::string spoolDirectory;
  uint64_t maxSpoolBytes = uint64_t{1} << 30;  ///< of packets that wait; beyond it the oldest go, decided or not
};

/// Packets are written in the order in which they came. A connection is wanted when one of its messages is; until
/// that is known its packets, and what came after them, wait.
class Recorder {
 public:
  Recorder(const RecordingOptions& options, Stats& stats);

  /// Makes the file; before the first packet. `consumerSelects`: not every message that is delivered matches. False:
  /// see error().
  bool open(bool consumerSelects);
  bool isOpen() const { return open_; }

  void packet(const source::Packet& packet, Key key);
  /// See Ledger.
  void join(Key provisional, Key to) { ledger_.join(provisional, to); }
  /// A key for packets of which it is learnt later whose they are.
  Key provisional() { return key::held(++lastHeld_); }

  void opened(Key connection) { ledger_.open(connection); }
  void wanted(Key connection) { ledger_.select(connection); }
  /// Nothing of it will be wanted that was not before.
  void unwanted(Key connection) { ledger_.reject(connection); }
  void closed(Key connection) { ledger_.close(connection); }
  /// A message is on its way to the consumer, which decides about it, or was dropped because the consumer is too slow.
  void delivered(Key connection, uint64_t message, bool dropped);
  /// The consumer has taken, or passed over, all messages up to `upTo`; these connections had some that it wants.
  void decide(const std::vector<uint64_t>& connections, uint64_t upTo);
  /// The consumer has messages that it has not decided about.
  bool awaitsConsumer() const { return error_.code.empty() && open_ && ledger_.awaitsConsumer(); }

  /// Writes what can be. To be called between bursts.
  void settle();
  /// The source pauses: as settle(), and what is written is in the file.
  void pause(int64_t nowNs);
  /// Nothing follows: what nobody has wanted by now is not written.
  void finish();

  /// Files that were made, and those that are closed.
  uint64_t files() const { return writer_.files(); }
  uint64_t finishedFiles() const { return writer_.finishedFiles(); }
  /// Why the file or the spool failed; nothing is recorded from then on.
  const source::Error& error() const { return error_; }

 private:
  struct Waiting;
  void writeNow(const source::Packet& packet, Key key);
  void resolve(uint64_t maxBytes, bool last);
  bool write(const Waiting& waiting);
  void letGo(uint32_t bytes);
  void noteWritten(Key key, uint32_t bytes);
  void fail(const source::Error& error);
  void failSpool();

  const RecordingOptions options_;
  Stats& stats_;
  PcapngWriter writer_;
  Spool spool_;
  Ledger ledger_;
  source::Error error_;
  int64_t nowNs_ = 0;
  uint64_t lastHeld_ = 0;
  bool consumerSelects_ = false;
  bool open_ = false;
};

}  // namespace flowtap::recording
