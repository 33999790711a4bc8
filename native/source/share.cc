#include "source/share.h"

namespace flowtap::source {

namespace {

std::string belongsElsewhere(const std::string& addresses, const std::string& ports, const Share& share) {
  return "(((" + addresses + ") + (" + ports + ")) * " + std::to_string(shareFactor) + " >> 16) * " +
         std::to_string(share.count) + " >> 16 != " + std::to_string(share.index);
}

/// The words of both addresses of the header `ip6`.
std::string ip6Addresses() {
  std::string words = "ip6[8:4]";
  for (int at = 12; at < 40; at += 4) words += " ^ ip6[" + std::to_string(at) + ":4]";
  return words;
}

}  // namespace

std::string shareFilter(const Share& share) {
  if (share.isWhole()) return {};
  return "not ((ip and ip[6:2] & 0x3fff = 0 and ip[9] = 6 and " +
         belongsElsewhere("ip[12:4] ^ ip[16:4]", "tcp[0:2] ^ tcp[2:2]", share) + ") or (ip6 and ip6[6] = 6 and " +
         belongsElsewhere(ip6Addresses(), "ip6[40:2] ^ ip6[42:2]", share) + "))";
}

}  // namespace flowtap::source
