// Packets made by hand, from the inside out: ethernet(0x0800, ipv4(6, tcp("GET /"))).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "source/packet.h"

namespace flowtap::test {

using Bytes = std::vector<uint8_t>;

inline Bytes bytesOf(const std::string& text) { return Bytes(text.begin(), text.end()); }

inline Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

inline Bytes be16(uint32_t value) { return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)}; }
inline Bytes be24(uint32_t value) { return join({{static_cast<uint8_t>(value >> 16)}, be16(value)}); }
inline Bytes be32(uint32_t value) { return join({be16(value >> 16), be16(value)}); }
inline Bytes le16(uint32_t value) { return {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8)}; }
inline Bytes le32(uint32_t value) { return join({le16(value), le16(value >> 16)}); }
inline Bytes zeros(size_t count) { return Bytes(count, 0); }

inline Bytes slice(const Bytes& bytes, size_t from, size_t count) {
  return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(from),
               bytes.begin() + static_cast<std::ptrdiff_t>(from + count));
}

inline void put16(Bytes& bytes, size_t at, uint32_t value) {
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

/// RFC 1071 over the bytes.
inline uint16_t internetChecksum(const Bytes& bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

struct TcpFields {
  uint16_t sourcePort = 40000;
  uint16_t destinationPort = 80;
  uint32_t sequence = 1000;
  uint32_t acknowledgment = 2000;
  uint8_t controlBits = 0x18;
  uint16_t window = 512;
  uint16_t urgentPointer = 0;
  Bytes options = {};  ///< padded to a multiple of four by the caller
};

/// A TCP header and payload. The checksum is filled in by ipv4() and ipv6().
inline Bytes tcp(const std::string& payload, const TcpFields& fields = {}) {
  const auto words = static_cast<uint8_t>(5 + fields.options.size() / 4);
  return join({be16(fields.sourcePort),
               be16(fields.destinationPort),
               be32(fields.sequence),
               be32(fields.acknowledgment),
               {static_cast<uint8_t>(words << 4), fields.controlBits},
               be16(fields.window),
               be16(0),
               be16(fields.urgentPointer),
               fields.options,
               bytesOf(payload)});
}

inline Bytes udp(uint16_t sourcePort, uint16_t destinationPort, const Bytes& payload) {
  return join(
      {be16(sourcePort), be16(destinationPort), be16(static_cast<uint32_t>(payload.size() + 8)), be16(0), payload});
}

struct Ipv4Fields {
  Bytes source = {192, 0, 2, 1};
  Bytes destination = {198, 51, 100, 2};
  uint16_t identification = 7;
  uint16_t flagsAndOffset = 0;
  int totalLength = -1;  ///< -1: what it is
  Bytes options = {};
};

inline Bytes ipv4(uint8_t protocol, Bytes payload, const Ipv4Fields& fields = {}) {
  if (protocol == 6 && payload.size() >= 20 && fields.flagsAndOffset == 0) {
    put16(payload, 16, 0);
    put16(
        payload, 16,
        internetChecksum(join(
            {fields.source, fields.destination, {0, protocol}, be16(static_cast<uint32_t>(payload.size())), payload})));
  }
  const size_t length = 20 + fields.options.size() + payload.size();
  Bytes header =
      join({{static_cast<uint8_t>(0x45 + fields.options.size() / 4), 0},
            be16(fields.totalLength < 0 ? static_cast<uint32_t>(length) : static_cast<uint32_t>(fields.totalLength)),
            be16(fields.identification),
            be16(fields.flagsAndOffset),
            {64, protocol, 0, 0},
            fields.source,
            fields.destination,
            fields.options});
  put16(header, 10, internetChecksum(header));
  return join({header, payload});
}

struct Ipv6Fields {
  Bytes source = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  Bytes destination = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  int payloadLength = -1;  ///< -1: what it is
};

inline Bytes ipv6(uint8_t nextHeader, Bytes payload, const Ipv6Fields& fields = {}) {
  if (nextHeader == 6 && payload.size() >= 20) {
    put16(payload, 16, 0);
    put16(payload, 16,
          internetChecksum(join({fields.source, fields.destination, be32(static_cast<uint32_t>(payload.size())),
                                 be32(nextHeader), payload})));
  }
  return join({{0x60, 0, 0, 0},
               be16(fields.payloadLength < 0 ? static_cast<uint32_t>(payload.size())
                                             : static_cast<uint32_t>(fields.payloadLength)),
               {nextHeader, 64},
               fields.source,
               fields.destination,
               payload});
}

inline Bytes ipv6FragmentHeader(uint8_t nextHeader, uint32_t offset, bool more, uint32_t identification,
                                const Bytes& payload) {
  return join({{nextHeader, 0}, be16(offset | (more ? 1u : 0u)), be32(identification), payload});
}

inline Bytes ethernet(uint16_t type, const Bytes& payload) {
  return join({{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, be16(type), payload});
}

/// A tag without the 0x8100 before it: tag control information and the type of what follows.
inline Bytes vlanTag(uint16_t control, uint16_t type, const Bytes& payload) {
  return join({be16(control), be16(type), payload});
}

inline Bytes snap(uint16_t type, const Bytes& payload) {
  return join({{0xaa, 0xaa, 0x03, 0, 0, 0}, be16(type), payload});
}

/// A packet over bytes that outlive it.
inline source::Packet packetOf(const Bytes& bytes, uint32_t linkType = 1, int64_t timestampNs = 0) {
  const auto length = static_cast<uint32_t>(bytes.size());
  return {bytes.data(), length, length, timestampNs, linkType, 0};
}

}  // namespace flowtap::test
