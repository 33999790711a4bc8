// Addresses as people write them.
#pragma once

#include <optional>
#include <string>

#include "decode/segment.h"

namespace flowtap::decode {

/// Reads "192.0.2.1" or "2001:db8::1" (RFC 4291, 2.2); nothing when the text is neither. No zone, no prefix length, no
/// brackets.
std::optional<Address> parseAddress(const std::string& text);

}  // namespace flowtap::decode
