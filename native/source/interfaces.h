// What can be captured on.
#pragma once

#include <string>
#include <vector>

#include "source/packet_source.h"

namespace flowtap::source {

struct Interface {
  std::string name;
  std::vector<std::string> addresses;  ///< IPv4 and IPv6
  bool up = false;
  bool running = false;  ///< has a carrier
  bool loopback = false;
  std::string linkType;  ///< as libpcap spells it; empty when it cannot be opened
  Error error;           ///< why it cannot be opened
};

struct InterfaceList {
  std::vector<Interface> interfaces;
  Error error;  ///< why there is no list
};

/// Of the calling thread's network namespace. Opens each of them for a moment, which takes milliseconds.
InterfaceList listInterfaces();

}  // namespace flowtap::source
