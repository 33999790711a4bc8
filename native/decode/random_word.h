// Random bits from the system, for the keys of hash tables.
#pragma once

#include <cstdint>

namespace flowtap::decode {

/// From getentropy(3), which newer and older systems have alike: what std::random_device is made of differs by the
/// version of the C library.
uint64_t randomWord();

}  // namespace flowtap::decode
