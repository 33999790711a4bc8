#include "source/interfaces.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pcap.h>
#include <sys/socket.h>

#include "source/link_type.h"
#include "source/live_error.h"

namespace flowtap::source {

namespace {

// Nothing is read from it.
constexpr int trialSnaplen = 96;
constexpr int trialBufferBytes = 64 << 10;

/// Beside network interfaces libpcap lists what else it can capture: USB, Bluetooth, D-Bus.
bool isNetwork(const pcap_if_t& device) {
  return std::string(device.name) == "any" || if_nametoindex(device.name) != 0;
}

std::vector<std::string> addressesOf(const pcap_if_t& device) {
  std::vector<std::string> addresses;
  for (const pcap_addr_t* one = device.addresses; one != nullptr; one = one->next) {
    if (one->addr == nullptr) continue;
    char text[INET6_ADDRSTRLEN];
    const char* written = nullptr;
    if (one->addr->sa_family == AF_INET) {
      written = inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->addr)->sin_addr, text, sizeof text);
    } else if (one->addr->sa_family == AF_INET6) {
      written = inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(one->addr)->sin6_addr, text, sizeof text);
    }
    if (written != nullptr) addresses.emplace_back(written);
  }
  return addresses;
}

void tryToOpen(Interface& interface) {
  char words[PCAP_ERRBUF_SIZE] = "";
  pcap_t* handle = pcap_create(interface.name.c_str(), words);
  if (handle == nullptr) {
    interface.error = describeActivationError(PCAP_ERROR, interface.name, words, false);
    return;
  }
  pcap_set_snaplen(handle, trialSnaplen);
  pcap_set_buffer_size(handle, trialBufferBytes);
  pcap_set_timeout(handle, 1);
  const int status = pcap_activate(handle);
  if (status < 0) {
    interface.error = describeActivationError(status, interface.name, pcap_geterr(handle), false);
  } else {
    interface.linkType = linkTypeName(dltToLinkType(pcap_datalink(handle)));
  }
  pcap_close(handle);
}

}  // namespace

InterfaceList listInterfaces() {
  InterfaceList list;
  char words[PCAP_ERRBUF_SIZE] = "";
  pcap_if_t* devices = nullptr;
  if (pcap_findalldevs(&devices, words) != 0) {
    list.error = {"ERR_CAPTURE", std::string("libpcap cannot list the interfaces: ") + words};
    return list;
  }
  for (const pcap_if_t* device = devices; device != nullptr; device = device->next) {
    if (!isNetwork(*device)) continue;
    Interface interface;
    interface.name = device->name;
    interface.addresses = addressesOf(*device);
    interface.up = (device->flags & PCAP_IF_UP) != 0;
    interface.running = (device->flags & PCAP_IF_RUNNING) != 0;
    interface.loopback = (device->flags & PCAP_IF_LOOPBACK) != 0;
    tryToOpen(interface);
    list.interfaces.push_back(std::move(interface));
  }
  pcap_freealldevs(devices);
  return list;
}

}  // namespace flowtap::source
