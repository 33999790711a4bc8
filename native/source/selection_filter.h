// From a selection of innermost connections to a BPF expression on the outer packet.
#pragma once

#include <string>

#include "source/sources.h"

namespace flowtap::source {

/// An expression that lets through everything that could hold a selected connection. It rejects only what certainly
/// does not: plain, unfragmented TCP of other ports or addresses, plain, unfragmented UDP that belongs to no known
/// tunnel, and ARP. Empty when the selection is, or when it cannot be expressed.
std::string selectionFilter(const Selection& selection);

/// Both must hold; either may be empty. The derived part comes first, because `vlan` and `mpls` in the user's part move
/// the offsets of everything behind them.
std::string combineFilters(const std::string& derived, const std::string& user);

}  // namespace flowtap::source
