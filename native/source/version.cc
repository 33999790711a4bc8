#include <pcap/pcap.h>

#include "source/sources.h"

namespace flowtap::source {

std::string libpcapVersion() { return pcap_lib_version(); }

}  // namespace flowtap::source
