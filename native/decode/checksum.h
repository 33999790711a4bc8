// The Internet checksum (RFC 1071).
#pragma once

#include <cstdint>

#include "decode/segment.h"

namespace flowtap::decode {

/// Whether the 16-bit words of a header that holds its own checksum add up.
bool checksumHolds(const uint8_t* data, uint32_t length);
/// The same for what an IP packet carries: the addresses, the protocol and the length count too (RFC 9293, 3.1).
bool checksumHolds(const uint8_t* data, uint32_t length, const Address& source, const Address& destination,
                   uint8_t protocol);

}  // namespace flowtap::decode
