#include "source/live_error.h"

namespace flowtap::source {

namespace {

constexpr int maxNames = 16;

std::string listInterfaces() {
  char words[PCAP_ERRBUF_SIZE];
  pcap_if_t* devices = nullptr;
  if (pcap_findalldevs(&devices, words) != 0) return "; libpcap cannot list the interfaces: " + std::string(words);
  std::string names;
  int count = 0;
  for (const pcap_if_t* device = devices; device != nullptr && count < maxNames; device = device->next, count++) {
    names += (names.empty() ? "" : ", ") + std::string(device->name);
    if (device->next != nullptr && count + 1 == maxNames) names += ", ...";
  }
  pcap_freealldevs(devices);
  return names.empty() ? "; libpcap sees no interface at all" : "; there are: " + names;
}

std::string parenthesize(const std::string& words) { return words.empty() ? "" : " (" + words + ")"; }

/// JavaScript adds what permits it.
Error describePermission(const std::string& interface, const std::string& words) {
  return {"ERR_PERMISSION", "capturing on \"" + interface + "\" is not permitted" + parenthesize(words)};
}

}  // namespace

Error describeActivationError(int status, const std::string& interface, const std::string& words, bool advises) {
  switch (status) {
    case PCAP_ERROR_PERM_DENIED:
      return describePermission(interface, words);
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return describePermission(interface, "promiscuous mode" + (words.empty() ? "" : ": " + words));
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return {"ERR_NO_INTERFACE", "there is no interface \"" + interface + "\"" + (advises ? listInterfaces() : "")};
    case PCAP_ERROR_IFACE_NOT_UP:
      return {"ERR_NO_INTERFACE", "the interface \"" + interface + "\" is not up" + parenthesize(words) +
                                      (advises ? listInterfaces() : "")};
    default:
      break;
  }
  std::string reason = pcap_statustostr(status);
  if (status == PCAP_ERROR && !words.empty()) {
    reason = words;
  } else {
    reason += parenthesize(words);
  }
  return {"ERR_CAPTURE", "cannot capture on \"" + interface + "\": " + reason};
}

Error describeCaptureError(const std::string& interface, const std::string& words) {
  return {"ERR_CAPTURE", "capturing on \"" + interface + "\" ended: " + words};
}

}  // namespace flowtap::source
