#include "decode/link_addresses.h"

#include <cstring>

namespace flowtap::decode {

namespace {

constexpr uint32_t linkEthernet = 1;
constexpr uint32_t linkLinuxSll = 113;
constexpr uint32_t linkLinuxSll2 = 276;
constexpr size_t addressLength = 6;

/// @param lengthAt where in the header the last byte of the address's length is, and where the address
void takeSender(const source::Packet& packet, size_t lengthAt, size_t addressAt, LinkAddresses& addresses) {
  if (packet.capturedLength < addressAt + addressLength || packet.data[lengthAt] != addressLength) return;
  std::memcpy(addresses.source, packet.data + addressAt, addressLength);
  addresses.hasSource = true;
}

}  // namespace

LinkAddresses linkAddressesOf(const source::Packet& packet) {
  LinkAddresses addresses;
  switch (packet.linkType) {
    case linkEthernet:
      if (packet.capturedLength < 2 * addressLength) break;
      std::memcpy(addresses.destination, packet.data, addressLength);
      std::memcpy(addresses.source, packet.data + addressLength, addressLength);
      addresses.hasSource = true;
      addresses.hasDestination = true;
      break;
    case linkLinuxSll:
      takeSender(packet, 5, 6, addresses);
      break;
    case linkLinuxSll2:
      takeSender(packet, 11, 12, addresses);
      break;
    default:
      break;
  }
  return addresses;
}

}  // namespace flowtap::decode
