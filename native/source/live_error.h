// libpcap's failures in the words of a user.
#pragma once

#include <pcap.h>

#include <string>

#include "source/packet_source.h"

namespace flowtap::source {

/// For a negative status of pcap_activate(); `words` is what pcap_geterr() says.
/// `advises`: say which interfaces there are instead.
Error describeActivationError(int status, const std::string& interface, const std::string& words, bool advises = true);

/// For a failure while capturing.
Error describeCaptureError(const std::string& interface, const std::string& words);

}  // namespace flowtap::source
