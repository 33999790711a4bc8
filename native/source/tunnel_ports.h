// The one list of UDP ports behind which decoding may find a TCP connection.
#pragma once

#include <cstdint>

namespace flowtap::source {

inline constexpr uint16_t udpTunnelPorts[] = {
    1701,   // L2TP
    2152,   // GTP-U
    3544,   // Teredo
    4341,   // LISP
    4500,   // ESP in UDP
    4754,   // GRE in UDP
    4789,   // VXLAN
    4790,   // VXLAN-GPE
    5072,   // AYIYA
    5247,   // CAPWAP data
    6080,   // GUE
    6081,   // Geneve
    6635,   // MPLS in UDP
    8472,   // VXLAN as Linux had it first
    37008,  // TZSP
};

}  // namespace flowtap::source
