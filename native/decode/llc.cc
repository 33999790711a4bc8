// IEEE 802.2 LLC, SNAP, and the NLPIDs of Frame Relay and ATM.
#include "decode/layers.h"

namespace flowtap::decode {
namespace {

constexpr uint8_t unnumberedInformation = 0x03;
constexpr uint32_t ouiEtherType = 0x000000;
constexpr uint32_t ouiBridgeTunnel = 0x0000f8;  // 802.1H
constexpr uint32_t ouiCiscoEtherType = 0x00000c;
constexpr uint32_t ouiBridged = 0x0080c2;  // RFC 2427, RFC 2684

// Organization and protocol.
Step stepSnap(Walk& walk) {
  if (!walk.bytes.has(5)) return Step::malformed;
  const uint32_t oui = walk.bytes.be24(0);
  const uint16_t protocol = walk.bytes.be16(3);
  walk.bytes.skip(5);
  switch (oui) {
    case ouiEtherType:
    case ouiBridgeTunnel:
      return walk.go(Layer::etherType, protocol);
    case ouiCiscoEtherType:
      // Cisco's own protocols are below the EtherTypes that can carry IP.
      return protocol == 0x0800 || protocol == 0x86dd ? walk.go(Layer::etherType, protocol) : Step::notTcp;
    case ouiBridged:
      if (protocol != 0x0001 && protocol != 0x0007) return Step::notTcp;  // Ethernet with and without its checksum
      // ATM puts two bytes of padding before the frame.
      return looksLikeEthernet(walk.bytes, 2) && !looksLikeEthernet(walk.bytes, 0) ? walk.goBehind(2, Layer::ethernet)
                                                                                   : walk.go(Layer::ethernet);
    default:
      return Step::notTcp;
  }
}

}  // namespace

Step stepLlc(Walk& walk) {
  if (!walk.bytes.has(3)) return Step::malformed;
  const uint8_t destination = walk.bytes.u8(0);
  const uint8_t source = walk.bytes.u8(1);
  if (walk.bytes.u8(2) != unnumberedInformation) return Step::notTcp;
  walk.bytes.skip(3);
  if ((destination & 0xfe) == 0xaa && (source & 0xfe) == 0xaa) return stepSnap(walk);
  if (destination == 0x06 && source == 0x06) return walk.go(Layer::ip);
  if (destination == 0xfe && source == 0xfe) return stepNlpid(walk);
  return Step::notTcp;
}

Step stepNlpid(Walk& walk) {
  if (walk.bytes.has(1) && walk.bytes.u8(0) == 0) walk.bytes.skip(1);  // padding
  if (!walk.bytes.has(1)) return Step::malformed;
  const uint8_t nlpid = walk.bytes.u8(0);
  walk.bytes.skip(1);
  switch (nlpid) {
    case 0xcc:
      return walk.go(Layer::ipv4);
    case 0x8e:
      return walk.go(Layer::ipv6);
    case 0x80:
      return stepSnap(walk);
    case 0xcf:
      return walk.go(Layer::ppp);
    default:
      return Step::notTcp;
  }
}

}  // namespace flowtap::decode
