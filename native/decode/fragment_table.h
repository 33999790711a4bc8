// IP datagrams that are being put together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "decode/decoder.h"
#include "decode/segment.h"

namespace flowtap::decode {

/// What the fragments of a datagram have in common (RFC 791, 3.2; RFC 8200, 4.5).
struct FragmentKey {
  Address source;
  Address destination;
  uint32_t identification;
  uint32_t scope;
  uint8_t protocol;  ///< 0 in IPv6, whose fragments may differ in it
  uint8_t ipVersion;

  friend bool operator==(const FragmentKey& a, const FragmentKey& b) {
    return a.source == b.source && a.destination == b.destination && a.identification == b.identification &&
           a.scope == b.scope && a.protocol == b.protocol && a.ipVersion == b.ipVersion;
  }
};

struct Fragment {
  const uint8_t* data;
  uint32_t length;   ///< bytes at `data`
  uint32_t missing;  ///< bytes behind them that were not captured
  uint32_t offset;   ///< in bytes
  bool more;
  uint8_t protocol;  ///< counts when the offset is 0
};

struct Datagram {
  const uint8_t* data;  ///< valid until releaseDatagrams()
  uint32_t length;
  uint8_t protocol;
};

/// Overlaps: the bytes that came first win. Where they differ an IPv6 datagram is given up, as its receiver must (RFC
/// 5722); most receivers of IPv4 take it.
class FragmentTable {
 public:
  /// The most datagrams that are kept at a time, and the most pieces of one; enough for 64 KiB in the fragments that an
  /// MTU of 68 makes.
  static constexpr size_t maxDatagrams = 16384;
  static constexpr size_t maxPieces = 1400;

  FragmentTable(const DecodeOptions& options, Stats& stats);

  /// Keeps a fragment, or drops and counts it. True when it completed its datagram.
  bool add(const FragmentKey& key, const Fragment& fragment, int64_t nowNs, Datagram& datagram);
  /// Numbers of the datagrams that fragments were added to since releaseDatagrams().
  const std::vector<uint64_t>& touched() const { return touched_; }
  void releaseDatagrams();
  void advance(int64_t nowNs);

  size_t datagrams() const { return index_.size(); }
  uint64_t heldBytes() const { return heldBytes_; }

 private:
  struct Piece {
    uint32_t offset;  ///< in the datagram
    uint32_t length;
    uint32_t at;  ///< in `bytes`
  };
  struct Pending {
    FragmentKey key;
    int64_t firstNs;
    uint64_t number;
    uint64_t fragments = 0;  ///< that came for it
    uint32_t total = 0;      ///< 0 until the last fragment came
    uint32_t covered = 0;    ///< bytes that are there
    uint8_t protocol = 0;
    bool refused = false;       ///< given up; the rest of its fragments are swallowed
    std::vector<Piece> pieces;  ///< ascending, without overlaps
    std::vector<uint8_t> bytes;
    uint64_t footprint = 0;  ///< what heldBytes_ has for it
  };
  using Order = std::list<Pending>;  // oldest first
  struct KeyHash {
    uint64_t seed[2];
    size_t operator()(const FragmentKey& key) const;
  };

  bool expired(const Pending& pending, int64_t nowNs) const;
  /// False when bytes differ from those that are there, or contradict the length.
  bool insert(Pending& pending, const Fragment& fragment);
  void append(Pending& pending, size_t position, uint32_t offset, const uint8_t* data, uint32_t length);
  void refuse(Pending& pending);
  void account(Pending& pending);
  void drop(Order::iterator pending, uint64_t& counter);
  Datagram assemble(Order::iterator pending);

  const DecodeOptions options_;
  Stats& stats_;
  Order order_;
  std::unordered_map<FragmentKey, Order::iterator, KeyHash> index_;
  uint64_t heldBytes_ = 0;
  uint64_t lastNumber_ = 0;
  std::vector<uint64_t> touched_;
  std::vector<std::unique_ptr<uint8_t[]>> assembled_;
};

}  // namespace flowtap::decode
