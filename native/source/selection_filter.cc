#include "source/selection_filter.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "source/tunnel_ports.h"

namespace flowtap::source {

namespace {

// libpcap's compiler takes quadratic time, and the kernel takes 4096 instructions.
constexpr size_t maxTerms = 128;

void addAlternative(std::string& to, const std::string& term) {
  if (!to.empty()) to += " or ";
  to += term;
}

// "" when it is neither an IPv4 nor an IPv6 address.
std::string hostTerm(const std::string& address) {
  char text[INET6_ADDRSTRLEN];
  in_addr v4;
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    return std::string("ip host ") + inet_ntop(AF_INET, &v4, text, sizeof text);
  }
  in6_addr v6;
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return {};
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    return std::string("ip host ") + inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
  }
  return std::string("ip6 host ") + inet_ntop(AF_INET6, &v6, text, sizeof text);
}

}  // namespace

std::string selectionFilter(const Selection& selection) {
  if (selection.ports.empty() && selection.addresses.empty()) return {};
  if (selection.ports.size() + selection.addresses.size() > maxTerms) return {};

  std::string ports;
  for (const uint16_t port : selection.ports) addAlternative(ports, "tcp port " + std::to_string(port));
  std::string hosts;
  for (const std::string& address : selection.addresses) {
    const std::string term = hostTerm(address);
    if (term.empty()) return {};
    addAlternative(hosts, term);
  }
  const std::string wanted = combineFilters(ports, hosts);

  std::string tunnels;
  for (const uint16_t port : udpTunnelPorts) addAlternative(tunnels, "udp port " + std::to_string(port));

  // Written as what is rejected: any packet that these primitives do not recognise (VLAN, MPLS, PPPoE, extension
  // headers, other protocols) passes. `ip` and `ip6` mean the outermost layer behind the link layer and exist for every
  // link type; `ip6[6]`, because `ip6 proto` would look behind a fragment header.
  const std::string v4 = "ip and ip[6:2] & 0x3fff = 0 and ";
  return "not (arp or (" + v4 + "ip[9] = 6 and not (" + wanted + ")) or (ip6 and ip6[6] = 6 and not (" + wanted +
         ")) or (" + v4 + "ip[9] = 17 and not (" + tunnels + ")) or (ip6 and ip6[6] = 17 and not (" + tunnels + ")))";
}

std::string combineFilters(const std::string& derived, const std::string& user) {
  if (derived.empty()) return user;
  if (user.empty()) return derived;
  return "(" + derived + ") and (" + user + ")";
}

}  // namespace flowtap::source
