// The 48-bit addresses in the link header of a packet.
#pragma once

#include "decode/segment.h"
#include "source/packet.h"

namespace flowtap::decode {

/// Of Ethernet both, of Linux cooked captures the sender's, of other link types none. Of a tunnel those outside of it.
LinkAddresses linkAddressesOf(const source::Packet& packet);

inline PacketNote noteOf(const source::Packet& packet) {
  return {packet.wireLength, packet.capturedLength, linkAddressesOf(packet)};
}

}  // namespace flowtap::decode
