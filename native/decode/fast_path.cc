#include "decode/fast_path.h"

#include "decode/reader.h"
#include "decode/scope.h"
#include "decode/tcp_header.h"

namespace flowtap::decode {
namespace {

constexpr uint16_t typeIpv4 = 0x0800;
constexpr uint16_t typeIpv6 = 0x86dd;
constexpr uint16_t typeVlan = 0x8100;
constexpr uint32_t ipv4Header = 20;
constexpr uint32_t ipv6Header = 40;

// `available` bytes follow the IP header, `length` of them are its payload.
inline bool readTcp(const uint8_t* tcp, uint32_t length, uint32_t available, Segment& segment) {
  if (length > available || length < tcpHeaderBytes) return false;
  const uint32_t header = tcpDataOffset(tcp);
  if (header < tcpHeaderBytes || header > length) return false;
  readTcpHeader(tcp, segment);
  segment.payload = tcp + header;
  segment.payloadLength = length - header;
  segment.truncatedLength = 0;
  return true;
}

inline bool readIpv4(const uint8_t* ip, uint32_t left, Segment& segment) {
  constexpr uint16_t moreFragmentsOrOffset = 0x3fff;
  if (left < ipv4Header + tcpHeaderBytes || ip[0] != 0x45 || ip[9] != 6) return false;
  const uint32_t total = loadBe16(ip + 2);
  if ((loadBe16(ip + 6) & moreFragmentsOrOffset) != 0 || total < ipv4Header) return false;
  segment.source = Address::fromV4(ip + 12);
  segment.destination = Address::fromV4(ip + 16);
  segment.ipVersion = 4;
  return readTcp(ip + ipv4Header, total - ipv4Header, left - ipv4Header, segment);
}

inline bool readIpv6(const uint8_t* ip, uint32_t left, Segment& segment) {
  if (left < ipv6Header + tcpHeaderBytes || ip[0] >> 4 != 6 || ip[6] != 6) return false;
  segment.source = Address::fromV6(ip + 8);
  segment.destination = Address::fromV6(ip + 24);
  segment.ipVersion = 6;
  return readTcp(ip + ipv6Header, loadBe16(ip + 4), left - ipv6Header, segment);
}

inline bool readIp(const uint8_t* ip, uint32_t left, Segment& segment) {
  if (left == 0) return false;
  return ip[0] == 0x45 ? readIpv4(ip, left, segment) : readIpv6(ip, left, segment);
}

inline bool readEtherType(const uint8_t* at, uint32_t left, uint16_t type, Segment& segment) {
  if (type == typeIpv4) return readIpv4(at, left, segment);
  if (type == typeIpv6) return readIpv6(at, left, segment);
  if (type != typeVlan || left < 4) return false;
  const uint16_t id = loadBe16(at) & 0x0fff;
  if (id == 0) return false;
  segment.vlan = id;
  segment.scope = extendScope(0, ScopeKind::vlan, id);
  type = loadBe16(at + 2);
  if (type == typeIpv4) return readIpv4(at + 4, left - 4, segment);
  return type == typeIpv6 && readIpv6(at + 4, left - 4, segment);
}

}  // namespace

bool decodeFast(const source::Packet& packet, Segment& segment) {
  const uint8_t* data = packet.data;
  const uint32_t length = packet.capturedLength;
  segment.scope = 0;
  segment.vlan = noVlan;
  switch (packet.linkType) {
    case 1:  // Ethernet
      return length >= 14 && readEtherType(data + 14, length - 14, loadBe16(data + 12), segment);
    case 0:  // NULL: the family only repeats what the IP header says, unless it is neither
      if (length < 4) return false;
      if (loadLe32(data) == 2 || loadBe32(data) == 2) return readIpv4(data + 4, length - 4, segment);
      return false;
    case 101:  // RAW
    case 12:
    case 14:
      return readIp(data, length, segment);
    case 113:  // Linux cooked
      return length >= 16 && loadBe16(data + 2) < 800 &&
             readEtherType(data + 16, length - 16, loadBe16(data + 14), segment);
    case 276:  // Linux cooked, version 2
      return length >= 20 && loadBe16(data + 8) < 800 && readEtherType(data + 20, length - 20, loadBe16(data), segment);
    default:
      return false;
  }
}

}  // namespace flowtap::decode
