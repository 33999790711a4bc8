#include "source/live_error.h"

#ifdef __linux__
#include <unistd.h>

#include <climits>
#endif

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

#ifdef __linux__
/// The program that has to be given capabilities.
std::string programPath() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0) return "$(readlink -f \"$(command -v node)\")";
  return std::string(path, static_cast<size_t>(length));
}

std::string setcapLine(const char* capabilities) {
  return std::string("sudo setcap ") + capabilities + "=eip \"" + programPath() + "\"";
}
#endif

Error describePermission(const std::string& interface, const std::string& words) {
#ifdef __APPLE__
  const std::string advice =
      "Run as root (sudo), or give your user read access to /dev/bpf*, as the ChmodBPF package of Wireshark does.";
#else
  const std::string advice =
      "Run as root (sudo), or give the program the capabilities: " + setcapLine("cap_net_raw,cap_net_admin") +
      ". In a container, start it with --cap-add=NET_RAW.";
#endif
  return {"ERR_PERMISSION",
          "capturing on \"" + interface + "\" is not permitted" + parenthesize(words) + ". " + advice};
}

}  // namespace

#ifdef __linux__
std::string namespaceAdvice() {
  return "It takes CAP_SYS_ADMIN: run as root (sudo), or give the program the capabilities: " +
         setcapLine("cap_net_raw,cap_net_admin,cap_sys_admin,cap_sys_ptrace") +
         ". In a container, start it with --cap-add=SYS_ADMIN --cap-add=SYS_PTRACE --cap-add=NET_RAW, or capture on "
         "the host.";
}
#endif

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
