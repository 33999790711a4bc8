#include "decode/address_text.h"

#include <arpa/inet.h>

namespace flowtap::decode {

std::optional<Address> parseAddress(const std::string& text) {
  uint8_t bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return Address::fromV4(bytes);
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return Address::fromV6(bytes);
  return std::nullopt;
}

}  // namespace flowtap::decode
