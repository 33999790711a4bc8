// The packets that nearly all packets are: TCP in IP, without options, fragments or tunnels.
#pragma once

#include "decode/segment.h"
#include "source/packet.h"

namespace flowtap::decode {

/// Fills the segment and returns true; false, with the segment in any state, for everything that needs a closer look.
bool decodeFast(const source::Packet& packet, Segment& segment);

}  // namespace flowtap::decode
