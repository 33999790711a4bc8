// The state that is handed from layer to layer while one packet is decoded.
#pragma once

#include <cstdint>

#include "decode/decoder.h"
#include "decode/reader.h"
#include "decode/segment.h"

namespace flowtap::decode {

class FragmentTable;

/// What the bytes at the current position are.
enum class Layer : uint8_t {
  link,       ///< `type` is a LINKTYPE
  ethernet,   ///< destination, source, type or length
  etherType,  ///< the payload of EtherType `type`
  llc,        ///< IEEE 802.2
  ppp,        ///< address and control may be left out
  mpls,       ///< a label stack
  radiotap,   ///< 802.11 with a radiotap header
  wlan,       ///< 802.11
  ip,         ///< IPv4 or IPv6, as its first nibble says
  ipv4,
  ipv6,
  ipProtocol,  ///< the payload of IP protocol `type`
  nsh,         ///< network service header (RFC 8300)
};

/// What came of one layer.
enum class Step : uint8_t {
  next,  ///< go on with the layer that the walk names now
  segment,
  notTcp,
  malformed,
  unsupported,
  fragment,
};

struct Walk {
  Walk(const DecodeOptions& decodeOptions, Stats& counters, FragmentTable& fragmentTable, Segment& into)
      : options(decodeOptions), stats(counters), fragments(fragmentTable), segment(into) {}

  const DecodeOptions& options;
  Stats& stats;
  FragmentTable& fragments;
  Segment& segment;  ///< `timestampNs` is set from the start

  Reader bytes;
  Layer layer = Layer::link;
  uint8_t ipVersion = 0;        ///< of the innermost IP header so far
  bool cut = false;             ///< a length says that bytes are missing that the capture does not know of
  bool padded = false;          ///< 802.11: the header is padded to four bytes
  bool controlSwapped = false;  ///< 802.11: the two bytes of frame control may have changed places (CAPWAP)
  bool routed = false;          ///< IPv6: the destination is not the final one, so checksums cannot be verified
  bool mirrored = false;        ///< inside of a mirror session: VLAN tags may be there in one direction only
  bool strange = false;         ///< of a link type that is not known: `type`
  uint16_t vlan = noVlan;
  uint32_t type = 0;
  uint32_t scope = 0;
  Address source = {};
  Address destination = {};

  Step go(Layer to, uint32_t of = 0) {
    layer = to;
    type = of;
    return Step::next;
  }
  /// Skips a header and goes on behind it.
  Step goBehind(uint32_t header, Layer to, uint32_t of = 0) {
    return bytes.skip(header) ? go(to, of) : Step::malformed;
  }
};

}  // namespace flowtap::decode
