#include "source/link_type.h"

#include <pcap.h>

namespace flowtap::source {

namespace {

struct Mapping {
  int dlt;
  uint32_t linkType;
};

// Where the two differ: these DLT_ values depend on the operating system.
constexpr Mapping mappings[] = {
    {DLT_ATM_RFC1483, 100}, {DLT_RAW, 101}, {DLT_SLIP_BSDOS, 102}, {DLT_PPP_BSDOS, 103}, {DLT_ATM_CLIP, 106},
#ifdef DLT_PFSYNC
    {DLT_PFSYNC, 246},
#endif
#ifdef DLT_PKTAP
    {DLT_PKTAP, 258},
#endif
};

constexpr uint32_t linkTypeRaw = 101;

}  // namespace

uint32_t dltToLinkType(int dlt) {
  for (const Mapping& mapping : mappings) {
    if (mapping.dlt == dlt) return mapping.linkType;
  }
  return static_cast<uint32_t>(dlt);
}

int linkTypeToDlt(uint32_t linkType) {
  for (const Mapping& mapping : mappings) {
    if (mapping.linkType == linkType) return mapping.dlt;
  }
  return static_cast<int>(linkType);
}

uint32_t normalizeLinkType(uint32_t field) {
  // The upper half holds the length of the frame check sequence and reserved bits.
  const uint32_t linkType = field & 0xffff;
  return linkType == 12 || linkType == 14 ? linkTypeRaw : linkType;
}

std::string linkTypeName(uint32_t linkType) {
  const char* name = pcap_datalink_val_to_name(linkTypeToDlt(linkType));
  return name != nullptr ? std::string(name) : "LINKTYPE_" + std::to_string(linkType);
}

uint32_t maxCapturedBytes(uint32_t linkType) {
  switch (linkType) {
    case 189:  // USB_LINUX
    case 220:  // USB_LINUX_MMAPPED
    case 231:  // DBUS
    case 249:  // USBPCAP
      return 128u << 20;
    case 279:  // EBHSCR
      return 8u << 20;
    default:
      return 262144;
  }
}

}  // namespace flowtap::source
