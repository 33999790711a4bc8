// One function a layer: each looks at the header at the current position, moves past it and says what comes next.
#pragma once

#include <cstdint>

#include "decode/walk.h"

namespace flowtap::decode {

Step stepLink(Walk& walk);
Step stepEthernet(Walk& walk);
Step stepEtherType(Walk& walk);
Step stepLlc(Walk& walk);
/// Behind an NLPID octet (ISO/IEC TR 9577), used by Frame Relay and ATM.
Step stepNlpid(Walk& walk);
Step stepPpp(Walk& walk);
/// Cisco HDLC: address, control, EtherType.
Step stepCiscoHdlc(Walk& walk);
/// From the PPPoE version and type on (RFC 2516).
Step stepPppoe(Walk& walk);
Step stepFrameRelay(Walk& walk);
Step stepMpls(Walk& walk);
Step stepNsh(Walk& walk);
Step stepRadiotap(Walk& walk);
Step stepWlan(Walk& walk);
Step stepIp(Walk& walk);
Step stepIpv4(Walk& walk);
Step stepIpv6(Walk& walk);
Step stepIpProtocol(Walk& walk);
Step stepIpv6Extension(Walk& walk);
Step stepGre(Walk& walk);
Step stepUdp(Walk& walk);
Step stepTcp(Walk& walk);
/// L2TPv3 from its session id on (RFC 3931).
Step stepL2tpv3Session(Walk& walk);

/// Whether an Ethernet frame that carries IP or a VLAN tag could start `offset` bytes on.
bool looksLikeEthernet(const Reader& bytes, uint32_t offset);
/// Whether an IPv4 or IPv6 header could start `offset` bytes on.
bool looksLikeIp(const Reader& bytes, uint32_t offset);

}  // namespace flowtap::decode
