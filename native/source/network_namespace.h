// Network namespaces of Linux.
#pragma once

#include <string>

#include "source/packet_source.h"

namespace flowtap::source {

/// Moves the calling thread, and only it, into the network namespace that this file stands for, such as
/// /proc/1355/ns/net or /run/netns/blue. Does nothing, and needs no permission, when it is there already.
Error enterNetworkNamespace(const std::string& path);

}  // namespace flowtap::source
