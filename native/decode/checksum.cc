#include "decode/checksum.h"

#include "decode/reader.h"

namespace flowtap::decode {
namespace {

uint64_t sumWords(const uint8_t* data, uint32_t length) {
  uint64_t sum = 0;
  uint32_t at = 0;
  for (; at + 1 < length; at += 2) sum += loadBe16(data + at);
  if (at < length) sum += static_cast<uint64_t>(data[at]) << 8;
  return sum;
}

bool foldsToOnes(uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

// The mapped prefix of an IPv4 address is no part of its pseudo header.
uint64_t sumAddress(const Address& address, bool v4) {
  uint8_t bytes[16];
  std::memcpy(bytes, address.words, 16);
  return v4 ? sumWords(bytes + 12, 4) : sumWords(bytes, 16);
}

bool isV4(const Address& address) {
  static constexpr uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.words, prefix, 12) == 0;
}

}  // namespace

bool checksumHolds(const uint8_t* data, uint32_t length) { return foldsToOnes(sumWords(data, length)); }

bool checksumHolds(const uint8_t* data, uint32_t length, const Address& source, const Address& destination,
                   uint8_t protocol) {
  const bool v4 = isV4(source) && isV4(destination);
  return foldsToOnes(sumWords(data, length) + sumAddress(source, v4) + sumAddress(destination, v4) + protocol + length);
}

}  // namespace flowtap::decode
