// From a captured packet to the innermost TCP segment.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "decode/segment.h"
#include "source/packet.h"
#include "stats.h"

namespace flowtap::decode {

enum class DecodeResult : uint8_t {
  segment,      ///< the Segment is filled
  notTcp,       ///< well-formed, but no TCP inside (ARP, UDP that is no tunnel, ICMP with what it quotes, …)
  malformed,    ///< a length or a field contradicts the packet, or too little of it was captured
  unsupported,  ///< a link type or encapsulation that is not known
  fragment,     ///< an IP fragment that was kept or dropped; the datagram is not complete
};

struct DecodeOptions {
  bool verifyChecksums = false;           ///< a TCP or IPv4 header checksum that is wrong makes the packet malformed
  uint64_t maxFragmentBytes = 16u << 20;  ///< bytes of incomplete datagrams kept at a time
  int64_t fragmentTimeoutNs = 30'000'000'000;  ///< RFC 8200 says 60 s, Linux keeps IPv4 for 30 s
};

/// Packets of a link type.
struct LinkTypeCount {
  uint32_t linkType;  ///< LINKTYPE_ value
  uint64_t packets;
};

class Decoder {
 public:
  Decoder(const DecodeOptions& options, Stats& stats);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Decodes one packet and counts it (packetsReceived and exactly one of the result's counters). What
  /// `segment.payload` points to stays valid as long as the packet does and releaseDatagrams() was not called.
  DecodeResult decode(const source::Packet& packet, Segment& segment);

  /// The datagrams of which the packets decoded since releaseDatagrams() were fragments, by number from 1 on. Of one
  /// packet outermost first: all of them are complete now, unless it gave `fragment`: then all but the last.
  const std::vector<uint64_t>& touchedDatagrams() const;

  /// Frees the datagrams that were reassembled since the last call.
  void releaseDatagrams();

  /// Forgets fragments that are older than the time-out. Packet time.
  void advance(int64_t nowNs);

  /// The first few link types that could not be decoded, in the order in which they were seen.
  const std::vector<LinkTypeCount>& unsupportedLinkTypes() const { return unsupportedLinkTypes_; }

 private:
  void noteUnsupported(uint32_t linkType);

  struct Fragments;
  DecodeOptions options_;
  Stats& stats_;
  std::unique_ptr<Fragments> fragments_;
  std::vector<LinkTypeCount> unsupportedLinkTypes_;
};

}  // namespace flowtap::decode
