#include "stream/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace flowtap::stream {

namespace {

constexpr char textSignature[] = {'P', 'R', 'O', 'X', 'Y', ' '};
constexpr uint8_t binarySignature[] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
constexpr size_t binaryFixedBytes = 16;

bool startsWith(const uint8_t* p, size_t n, const void* start, size_t length) {
  return std::memcmp(p, start, std::min(n, length)) == 0;
}

/// Takes the text up to the next space, or all of it, off the front of [p, end).
size_t nextWord(const uint8_t*& p, const uint8_t* end, char (&word)[64]) {
  const auto* stop = static_cast<const uint8_t*>(std::memchr(p, ' ', static_cast<size_t>(end - p)));
  if (stop == nullptr) stop = end;
  const size_t length = std::min(static_cast<size_t>(stop - p), sizeof word - 1);
  std::memcpy(word, p, length);
  word[length] = '\0';
  p = stop == end ? end : stop + 1;
  return length;
}

bool readAddress(const char* word, uint8_t ipVersion, decode::Address& address) {
  uint8_t bytes[16];
  if (inet_pton(ipVersion == 4 ? AF_INET : AF_INET6, word, bytes) != 1) return false;
  address = ipVersion == 4 ? decode::Address::fromV4(bytes) : decode::Address::fromV6(bytes);
  return true;
}

bool readPort(const char* word, size_t length, uint16_t& port) {
  if (length == 0 || length > 5) return false;
  uint32_t value = 0;
  for (size_t i = 0; i < length; i++) {
    if (word[i] < '0' || word[i] > '9') return false;
    value = value * 10 + static_cast<uint32_t>(word[i] - '0');
  }
  port = static_cast<uint16_t>(value);
  return value <= UINT16_MAX;
}

/// "PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\r\n"
ProxyVerdict readText(const uint8_t* p, size_t n, ProxyHeader& header, size_t& length) {
  const size_t looked = std::min(n, maxProxyBytes);
  const auto* feed = static_cast<const uint8_t*>(std::memchr(p, '\n', looked));
  const uint8_t* at = p + sizeof textSignature;
  if (n <= sizeof textSignature) return ProxyVerdict::needMore;
  if (*at != 'T' && *at != 'U') return ProxyVerdict::no;
  if (feed == nullptr) return n < maxProxyBytes ? ProxyVerdict::needMore : ProxyVerdict::no;
  if (feed[-1] != '\r') return ProxyVerdict::no;
  const uint8_t* end = feed - 1;
  length = static_cast<size_t>(feed - p) + 1;

  char word[64];
  nextWord(at, end, word);
  if (std::strcmp(word, "UNKNOWN") == 0) return ProxyVerdict::complete;
  if (std::strcmp(word, "TCP4") != 0 && std::strcmp(word, "TCP6") != 0) return ProxyVerdict::no;
  const uint8_t ipVersion = word[3] == '4' ? 4 : 6;
  nextWord(at, end, word);
  if (!readAddress(word, ipVersion, header.source)) return ProxyVerdict::no;
  nextWord(at, end, word);
  if (!readAddress(word, ipVersion, header.destination)) return ProxyVerdict::no;
  size_t digits = nextWord(at, end, word);
  if (!readPort(word, digits, header.sourcePort)) return ProxyVerdict::no;
  digits = nextWord(at, end, word);
  if (!readPort(word, digits, header.destinationPort) || at != end) return ProxyVerdict::no;
  header.ipVersion = ipVersion;
  return ProxyVerdict::complete;
}

ProxyVerdict readBinary(const uint8_t* p, size_t n, ProxyHeader& header, size_t& length) {
  if (n < binaryFixedBytes) return ProxyVerdict::needMore;
  const uint8_t command = p[12];
  if (command != 0x20 && command != 0x21) return ProxyVerdict::no;
  const size_t behind = static_cast<size_t>(p[14]) << 8 | p[15];
  length = binaryFixedBytes + behind;
  const uint8_t ipVersion = p[13] >> 4 == 1 ? 4 : p[13] >> 4 == 2 ? 6 : 0;
  if (command == 0x20 || ipVersion == 0) return ProxyVerdict::complete;
  const size_t addressBytes = ipVersion == 4 ? 4 : 16;
  if (behind < 2 * addressBytes + 4) return ProxyVerdict::no;
  if (n < binaryFixedBytes + 2 * addressBytes + 4) return ProxyVerdict::needMore;
  const uint8_t* at = p + binaryFixedBytes;
  const uint8_t* ports = at + 2 * addressBytes;
  header.source = ipVersion == 4 ? decode::Address::fromV4(at) : decode::Address::fromV6(at);
  at += addressBytes;
  header.destination = ipVersion == 4 ? decode::Address::fromV4(at) : decode::Address::fromV6(at);
  header.sourcePort = static_cast<uint16_t>(ports[0] << 8 | ports[1]);
  header.destinationPort = static_cast<uint16_t>(ports[2] << 8 | ports[3]);
  header.ipVersion = ipVersion;
  return ProxyVerdict::complete;
}

}  // namespace

ProxyVerdict readProxyHeader(const uint8_t* p, size_t n, ProxyHeader& header, size_t& length) {
  header = {};
  length = 0;
  if (startsWith(p, n, textSignature, sizeof textSignature)) return readText(p, n, header, length);
  if (startsWith(p, n, binarySignature, sizeof binarySignature)) return readBinary(p, n, header, length);
  return ProxyVerdict::no;
}

}  // namespace flowtap::stream
