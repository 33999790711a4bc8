#include "json/connection_text.h"

#include <charconv>
#include <cstring>

#include "json/text.h"

namespace flowtap::json {

namespace {

void appendIpv4(ByteBuffer& to, const uint8_t* bytes) {
  for (int i = 0; i < 4; i++) {
    if (i != 0) append(to, ".");
    appendNumber(to, bytes[i]);
  }
}

void appendGroups(ByteBuffer& to, const uint16_t* groups, int count) {
  for (int i = 0; i < count; i++) {
    char hex[4];
    const auto result = std::to_chars(hex, hex + sizeof hex, groups[i], 16);
    if (i != 0) append(to, ":");
    append(to, {hex, static_cast<size_t>(result.ptr - hex)});
  }
}

void appendIpv6(ByteBuffer& to, const uint8_t* bytes) {
  uint16_t groups[8];
  for (int i = 0; i < 8; i++) groups[i] = static_cast<uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  constexpr uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(bytes, mapped, sizeof mapped) == 0) {
    append(to, "::ffff:");
    appendIpv4(to, bytes + sizeof mapped);
    return;
  }
  // The first of the longest runs of at least two zero groups becomes "::" (RFC 5952, 4.2).
  int start = -1;
  int length = 1;
  for (int i = 0; i < 8; i++) {
    int end = i;
    while (end < 8 && groups[end] == 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
    if (end > i) i = end;
  }
  if (start < 0) {
    appendGroups(to, groups, 8);
    return;
  }
  appendGroups(to, groups, start);
  append(to, "::");
  appendGroups(to, groups + start + length, 8 - start - length);
}

void appendEndpoint(ByteBuffer& to, const uint8_t address[16], uint16_t port, uint8_t ipVersion) {
  append(to, R"({"address":")");
  appendAddress(to, address, ipVersion);
  append(to, R"(","port":)");
  appendNumber(to, port);
  append(to, "}");
}

void putDigits(char* to, int width, int64_t value) {
  for (int i = width; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void appendAddress(ByteBuffer& to, const uint8_t address[16], uint8_t ipVersion) {
  if (ipVersion == 4)
    appendIpv4(to, address + 12);
  else
    appendIpv6(to, address);
}

void appendConnection(ByteBuffer& to, const delivery::Connection& connection) {
  append(to, R"({"id":)");
  appendNumber(to, static_cast<uint64_t>(connection.id));
  append(to, R"(,"client":)");
  appendEndpoint(to, connection.clientAddress, connection.clientPort, connection.ipVersion);
  append(to, R"(,"server":)");
  appendEndpoint(to, connection.serverAddress, connection.serverPort, connection.ipVersion);
  if (connection.proxiedIpVersion != 0) {
    append(to, R"(,"proxied":{"source":)");
    appendEndpoint(to, connection.proxiedSource, connection.proxiedSourcePort, connection.proxiedIpVersion);
    append(to, R"(,"destination":)");
    appendEndpoint(to, connection.proxiedDestination, connection.proxiedDestinationPort, connection.proxiedIpVersion);
    append(to, "}");
  }
  append(to, "}");
}

void TimeWriter::append(ByteBuffer& to, int64_t ns) {
  constexpr int64_t nsPerSecond = 1'000'000'000;
  int64_t second = ns / nsPerSecond;
  int64_t rest = ns % nsPerSecond;
  if (rest < 0) {
    rest += nsPerSecond;
    second--;
  }
  if (second != second_) {
    second_ = second;
    constexpr int64_t secondsPerDay = 86'400;
    const int64_t ofDay = (second % secondsPerDay + secondsPerDay) % secondsPerDay;
    // Days since 0000-03-01, in eras of 400 years (https://howardhinnant.github.io/date_algorithms.html).
    const int64_t days = (second - ofDay) / secondsPerDay + 719'468;
    const int64_t era = days / 146'097;
    const int64_t dayOfEra = days % 146'097;
    const int64_t yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36'524 - dayOfEra / 146'096) / 365;
    const int64_t dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    const int64_t marchMonth = (5 * dayOfYear + 2) / 153;
    const int64_t month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
    std::memcpy(text_, "0000-00-00T00:00:00.", sizeof text_);
    putDigits(text_, 4, era * 400 + yearOfEra + (month <= 2 ? 1 : 0));
    putDigits(text_ + 5, 2, month);
    putDigits(text_ + 8, 2, dayOfYear - (153 * marchMonth + 2) / 5 + 1);
    putDigits(text_ + 11, 2, ofDay / 3600);
    putDigits(text_ + 14, 2, ofDay / 60 % 60);
    putDigits(text_ + 17, 2, ofDay % 60);
  }
  json::append(to, {text_, sizeof text_});
  char fraction[10];
  putDigits(fraction, 9, rest);
  fraction[9] = 'Z';
  json::append(to, {fraction, sizeof fraction});
}

}  // namespace flowtap::json
