// Which connections' packets are wanted, as far as it is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "tcp/stream_listener.h"

namespace flowtap::recording {

/// Whose packet it is: a connection, by its id, or something that may turn out to belong to one.
using Key = uint64_t;

namespace key {
/// Keys from here on are provisional: a connection that was not opened yet, a datagram of which
/// fragments came, a segment that waits to be followed.
inline constexpr Key firstProvisional = tcp::firstUnopenedId;
inline constexpr Key datagram(uint64_t serial) { return Key{1} << 62 | serial; }
inline constexpr Key held(uint64_t serial) { return Key{1} << 61 | serial; }
}  // namespace key

inline constexpr bool isProvisional(Key key) { return key >= key::firstProvisional; }

enum class Verdict : uint8_t { write, drop, wait };

class Ledger {
 public:
  /// For how long it may stay unknown what a packet with a provisional key belongs to; packet time. Fragments are kept
  /// as long (decode::DecodeOptions).
  static constexpr int64_t provisionalNs = 30'000'000'000;
  /// Closed connections that are remembered for packets that come late: as many as reassembly remembers.
  static constexpr size_t closedRemembered = 16384;

  struct Entry {
    uint64_t lastMessage = 0;   ///< the consumer has to decide up to this one; 0: nothing
    uint64_t selectedPast = 0;  ///< it is selected once the consumer has decided up to this one; 0: not
    Key joined = 0;             ///< of a provisional key: what it turned out to belong to
    int64_t sinceNs = 0;        ///< of a provisional key
    uint32_t packets = 0;       ///< that wait, with those of what joined it
    bool selected = false;
    bool rejected = false;   ///< nothing that could be selected will come
    bool closed = false;     ///< as `rejected`, unless the consumer has to decide about something
    bool forgotten = false;  ///< not needed once no packet waits
    bool written = false;    ///< at least one packet
  };

  /// Of a connection, once, and before anything else is said of it.
  void open(Key connection) { entries_.try_emplace(connection); }
  void select(Key connection);
  void reject(Key connection);
  void close(Key connection);
  /// The consumer decides about this message.
  void expect(Key connection, uint64_t message);
  /// The consumer does not get this message, but wants it if it comes so far.
  void selectPast(Key connection, uint64_t message);
  /// The consumer has decided about all messages up to this one, and has selected what it wants.
  void decidedUpTo(uint64_t message) { decidedUpTo_ = message; }
  bool awaitsConsumer() const { return lastExpected_ > decidedUpTo_; }
  /// What has the one key belongs to the other, or to nothing: 0.
  void join(Key provisional, Key to);

  Verdict verdict(Key key, int64_t nowNs) const;
  /// Of an undecided one: the consumer has messages of it before it.
  bool isWithConsumer(Key key) const;
  /// A packet waits, or does not any longer. Of a connection that is known, or of a provisional key.
  void hold(Key key, int64_t nowNs);
  void release(Key key);
  /// A packet was written. True for the first of its connection.
  bool noteWritten(Key key);

  size_t size() const { return entries_.size(); }

 private:
  using Entries = std::unordered_map<Key, Entry>;
  Entry* find(Key key);
  Entries::const_iterator resolve(Key key) const;
  bool isPending(const Entry& entry) const {
    return entry.lastMessage > decidedUpTo_ || entry.selectedPast > decidedUpTo_;
  }
  bool isSelected(const Entry& entry) const {
    return entry.selected || (entry.selectedPast != 0 && entry.selectedPast <= decidedUpTo_);
  }

  Entries entries_;
  std::deque<Key> closed_;
  uint64_t decidedUpTo_ = 0;
  uint64_t lastExpected_ = 0;
};

}  // namespace flowtap::recording
