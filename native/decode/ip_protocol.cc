#include "decode/ip_protocol.h"

#include "decode/layers.h"
#include "decode/scope.h"

namespace flowtap::decode {
namespace {

// RFC 4302. What it authenticates stays readable.
Step stepAuthentication(Walk& walk) {
  if (!walk.bytes.has(12)) return Step::malformed;
  const uint8_t next = walk.bytes.u8(0);
  return walk.goBehind(4u * (walk.bytes.u8(1) + 2u), Layer::ipProtocol, next);
}

// RFC 3378.
Step stepEtherIp(Walk& walk) {
  if (!walk.bytes.has(2)) return Step::malformed;
  return walk.bytes.u8(0) >> 4 == 3 ? walk.goBehind(2, Layer::ethernet) : Step::unsupported;
}

}  // namespace

bool mayCarryTcp(uint32_t protocol, uint8_t ipVersion) {
  switch (protocol) {
    case protocolTcp:
    case protocolUdp:
    case protocolIpv4:
    case protocolIpIp:
    case protocolIpv6:
    case protocolGre:
    case protocolAuthentication:
    case protocolEtherIp:
    case protocolL2tpv3:
    case protocolMpls:
    case protocolEthernet:
      return true;
    case protocolHopByHop:
    case protocolRouting:
    case protocolFragment:
    case protocolDestination:
      return ipVersion == 6;
    default:
      return false;
  }
}

Step stepIpProtocol(Walk& walk) {
  if (!mayCarryTcp(walk.type, walk.ipVersion)) return Step::notTcp;
  switch (walk.type) {
    case protocolTcp:
      return stepTcp(walk);
    case protocolUdp:
      return stepUdp(walk);
    case protocolIpv4:
    case protocolIpIp:
      // Not where the outer header is IPv6: segment routing (RFC 8986) has other addresses in each direction. Not for
      // IPv6 inside either: 6to4 relays differ by direction, and its addresses are seldom private.
      if (walk.ipVersion == 4) walk.scope = extendScope(walk.scope, walk.source, walk.destination);
      return walk.go(Layer::ipv4);
    case protocolIpv6:
      return walk.go(Layer::ipv6);
    case protocolGre:
      return stepGre(walk);
    case protocolAuthentication:
      return stepAuthentication(walk);
    case protocolEtherIp:
      return stepEtherIp(walk);
    case protocolL2tpv3:
      return stepL2tpv3Session(walk);
    case protocolMpls:
      return walk.go(Layer::mpls);
    case protocolEthernet:
      return walk.go(Layer::ethernet);
    default:
      return stepIpv6Extension(walk);
  }
}

}  // namespace flowtap::decode
