// LINKTYPE_ values of files, DLT_ values of libpcap.
#pragma once

#include <cstdint>
#include <string>

namespace flowtap::source {

/// The LINKTYPE_ value of what a libpcap handle calls its data link type.
uint32_t dltToLinkType(int dlt);
int linkTypeToDlt(uint32_t linkType);

/// The link type of a file header or interface block, without the flags some writers keep above it. Files written by
/// hand with the DLT_ values of raw IP (12, OpenBSD's 14) get LINKTYPE_RAW.
uint32_t normalizeLinkType(uint32_t field);

/// "EN10MB" as libpcap spells it, "LINKTYPE_n" where it has no name.
std::string linkTypeName(uint32_t linkType);

/// More captured bytes than this in a record mean that the file is damaged; the limits are libpcap's.
uint32_t maxCapturedBytes(uint32_t linkType);

}  // namespace flowtap::source
