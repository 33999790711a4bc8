// The IP protocol numbers behind which TCP may be found.
#pragma once

#include <cstdint>

namespace flowtap::decode {

enum IpProtocol : uint8_t {
  protocolHopByHop = 0,
  protocolIpv4 = 4,
  protocolTcp = 6,
  protocolUdp = 17,
  protocolIpv6 = 41,
  protocolRouting = 43,
  protocolFragment = 44,
  protocolGre = 47,
  protocolAuthentication = 51,
  protocolDestination = 60,
  protocolIpIp = 94,
  protocolEtherIp = 97,
  protocolL2tpv3 = 115,
  protocolMpls = 137,
  protocolEthernet = 143,
};

/// Whether a payload of this protocol is worth a look. Extension headers count in IPv6 only.
bool mayCarryTcp(uint32_t protocol, uint8_t ipVersion);

}  // namespace flowtap::decode
