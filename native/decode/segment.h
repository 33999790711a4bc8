// What decoding gives: one TCP segment, with the innermost addresses.
#pragma once

#include <cstdint>
#include <cstring>

namespace flowtap::decode {

/// An IP address as 16 bytes in network order; IPv4 as an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
struct Address {
  uint64_t words[2];  ///< the 16 bytes, loaded as they are

  static Address fromV4(const uint8_t bytes[4]) {
    uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, bytes[0], bytes[1], bytes[2], bytes[3]};
    Address address;
    std::memcpy(address.words, mapped, 16);
    return address;
  }
  static Address fromV6(const uint8_t bytes[16]) {
    Address address;
    std::memcpy(address.words, bytes, 16);
    return address;
  }
  friend bool operator==(const Address& a, const Address& b) {
    return ((a.words[0] ^ b.words[0]) | (a.words[1] ^ b.words[1])) == 0;
  }
};

/// TCP control bits (RFC 9293, 3.1).
namespace control {
inline constexpr uint8_t fin = 0x01;
inline constexpr uint8_t syn = 0x02;
inline constexpr uint8_t rst = 0x04;
inline constexpr uint8_t psh = 0x08;
inline constexpr uint8_t ack = 0x10;
inline constexpr uint8_t urg = 0x20;
}  // namespace control

inline constexpr uint16_t noVlan = 0xffff;

/// One TCP segment. `payload` points into the packet or into the decoder's memory of a reassembled datagram.
struct Segment {
  Address source;
  Address destination;
  uint16_t sourcePort;
  uint16_t destinationPort;
  uint32_t
      scope;  ///< tells equal tuples in different VLANs or tunnels apart; 0 outside of any; the same in both directions
  uint32_t sequence;
  uint32_t acknowledgment;  ///< meaningful only with control::ack
  uint16_t window;          ///< as in the header, unscaled
  uint8_t controlBits;
  uint8_t ipVersion;  ///< 4 or 6
  uint16_t vlan;      ///< VLAN id of the outermost tag, noVlan without one
  uint16_t urgentPointer;
  const uint8_t* payload;
  uint32_t payloadLength;    ///< bytes present at `payload`
  uint32_t truncatedLength;  ///< payload bytes that were on the wire behind them but were not captured (snaplen)
  int64_t timestampNs;
};

/// The 48-bit addresses in the link header of a packet, see linkAddressesOf().
struct LinkAddresses {
  uint8_t source[6] = {};
  uint8_t destination[6] = {};
  bool hasSource = false;
  bool hasDestination = false;
};

/// What may be told of the packet that a segment came in.
struct PacketNote {
  uint32_t wireLength = 0;
  uint32_t capturedLength = 0;
  LinkAddresses link = {};
};

}  // namespace flowtap::decode
