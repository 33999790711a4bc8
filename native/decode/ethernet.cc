// Ethernet and everything that an EtherType can announce.
#include "decode/layers.h"
#include "decode/scope.h"

namespace flowtap::decode {
namespace {

enum EtherType : uint16_t {
  typeIpv4 = 0x0800,
  typeTrill = 0x22f3,
  typeTransparentEthernet = 0x6558,
  typeVlan = 0x8100,
  typeIpv6 = 0x86dd,
  typePpp = 0x880b,
  typeMpls = 0x8847,
  typeMplsMulticast = 0x8848,
  typePppoeSession = 0x8864,
  typeJumboLlc = 0x8870,
  typeServiceVlan = 0x88a8,
  typeMacSec = 0x88e5,
  typeBackbone = 0x88e7,  // 802.1ah
  typeCiscoMetaData = 0x8909,
  typeVnTag = 0x8926,
  typeETag = 0x893f,
  typeNsh = 0x894f,
  typeOldVlan1 = 0x9100,
  typeOldVlan2 = 0x9200,
};

// Below this the field is the length of an 802.3 frame.
constexpr uint16_t firstEtherType = 0x0600;

Step goEtherTypeOrLlc(Walk& walk, uint16_t type) {
  if (type >= firstEtherType) return walk.go(Layer::etherType, type);
  // Novell's raw 802.3 has no LLC header but starts with an IPX checksum of ffff, which is no SAP of ours either.
  if (type != 0) walk.bytes.limit(type);
  return walk.go(Layer::llc);
}

Step stepVlan(Walk& walk) {
  if (!walk.bytes.has(4)) return Step::malformed;
  const uint16_t id = walk.bytes.be16(0) & 0x0fff;
  const uint16_t type = walk.bytes.be16(2);
  walk.bytes.skip(4);
  if (id != 0) {  // 0 is a priority tag
    if (walk.vlan == noVlan) walk.vlan = id;
    if (!walk.mirrored) walk.scope = extendScope(walk.scope, ScopeKind::vlan, id);
  }
  return goEtherTypeOrLlc(walk, type);
}

Step stepBackbone(Walk& walk) {
  if (!walk.bytes.has(4)) return Step::malformed;
  walk.scope = extendScope(walk.scope, ScopeKind::serviceInstance, walk.bytes.be24(1));
  return walk.goBehind(4, Layer::ethernet);
}

// Version, length in words, then an option with the security group tag and the EtherType.
Step stepCiscoMetaData(Walk& walk) {
  if (!walk.bytes.has(8)) return Step::malformed;
  if (walk.bytes.u8(0) != 1) return Step::unsupported;
  const uint32_t header = 2 + 4u * walk.bytes.u8(1);
  if (header < 6 || !walk.bytes.has(header + 2)) return Step::malformed;
  return walk.goBehind(header + 2, Layer::etherType, walk.bytes.be16(header));
}

// 802.1AE: readable only where it protects integrity alone.
Step stepMacSec(Walk& walk) {
  constexpr uint8_t explicitSci = 0x20;
  constexpr uint8_t encryptedOrChanged = 0x0c;
  if (!walk.bytes.has(6)) return Step::malformed;
  const uint8_t control = walk.bytes.u8(0);
  if (control & encryptedOrChanged) return Step::notTcp;
  const uint32_t header = control & explicitSci ? 14 : 6;
  if (!walk.bytes.has(header + 2)) return Step::malformed;
  return walk.goBehind(header + 2, Layer::etherType, walk.bytes.be16(header));
}

Step stepTrill(Walk& walk) {
  if (!walk.bytes.has(6)) return Step::malformed;
  const uint16_t first = walk.bytes.be16(0);
  if (first >> 14 != 0) return Step::unsupported;
  return walk.goBehind(6 + 4u * (first >> 6 & 0x1f), Layer::ethernet);
}

Step stepTagged(Walk& walk, uint32_t header) {
  if (!walk.bytes.has(header)) return Step::malformed;
  const uint16_t type = walk.bytes.be16(header - 2);
  walk.bytes.skip(header);
  return goEtherTypeOrLlc(walk, type);
}

}  // namespace

Step stepEthernet(Walk& walk) {
  if (!walk.bytes.has(14)) return Step::malformed;
  const uint16_t type = walk.bytes.be16(12);
  walk.bytes.skip(14);
  return goEtherTypeOrLlc(walk, type);
}

Step stepEtherType(Walk& walk) {
  switch (walk.type) {
    case typeIpv4:
      return walk.go(Layer::ipv4);
    case typeIpv6:
      return walk.go(Layer::ipv6);
    case typeVlan:
    case typeServiceVlan:
    case typeOldVlan1:
    case typeOldVlan2:
      return stepVlan(walk);
    case typeMpls:
    case typeMplsMulticast:
      return walk.go(Layer::mpls);
    case typePppoeSession:
      return stepPppoe(walk);
    case typePpp:
      return walk.go(Layer::ppp);
    case typeTransparentEthernet:
      return walk.go(Layer::ethernet);
    case typeJumboLlc:
      return walk.go(Layer::llc);
    case typeMacSec:
      return stepMacSec(walk);
    case typeBackbone:
      return stepBackbone(walk);
    case typeCiscoMetaData:
      return stepCiscoMetaData(walk);
    case typeVnTag:
      return stepTagged(walk, 6);
    case typeETag:
      return stepTagged(walk, 8);
    case typeNsh:
      return walk.go(Layer::nsh);
    case typeTrill:
      return stepTrill(walk);
    default:
      return Step::notTcp;
  }
}

Step stepNsh(Walk& walk) {
  if (!walk.bytes.has(8)) return Step::malformed;
  const uint32_t header = 4u * (walk.bytes.be16(0) & 0x3f);
  const uint8_t next = walk.bytes.u8(3);
  if (header < 8 || !walk.bytes.skip(header)) return Step::malformed;
  switch (next) {
    case 1:
      return walk.go(Layer::ipv4);
    case 2:
      return walk.go(Layer::ipv6);
    case 3:
      return walk.go(Layer::ethernet);
    case 4:
      return walk.go(Layer::nsh);
    case 5:
      return walk.go(Layer::mpls);
    default:
      return Step::notTcp;
  }
}

}  // namespace flowtap::decode
