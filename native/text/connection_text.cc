#include "text/connection_text.h"

#include <charconv>
#include <cstring>

namespace flowtap::text {

namespace {

void writeIpv4(Pen& pen, const uint8_t* bytes) {
  for (int i = 0; i < 4; i++) {
    if (i != 0) pen.put('.');
    pen.number(bytes[i]);
  }
}

void writeGroups(Pen& pen, const uint16_t* groups, int count) {
  for (int i = 0; i < count; i++) {
    char hex[4];
    const auto result = std::to_chars(hex, hex + sizeof hex, groups[i], 16);
    if (i != 0) pen.put(':');
    pen.write({hex, static_cast<size_t>(result.ptr - hex)});
  }
}

void writeIpv6(Pen& pen, const uint8_t* bytes) {
  uint16_t groups[8];
  for (int i = 0; i < 8; i++) groups[i] = static_cast<uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  constexpr uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(bytes, mapped, sizeof mapped) == 0) {
    pen.write("::ffff:");
    writeIpv4(pen, bytes + sizeof mapped);
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
    writeGroups(pen, groups, 8);
    return;
  }
  writeGroups(pen, groups, start);
  pen.write("::");
  writeGroups(pen, groups + start + length, 8 - start - length);
}

void writeEndpoint(Pen& pen, const uint8_t address[16], uint16_t port, uint8_t ipVersion) {
  pen.write(R"({"address":")");
  writeAddress(pen, address, ipVersion);
  pen.write(R"(","port":)");
  pen.number(port);
  pen.write("}");
}

void writeEnd(Pen& pen, const uint8_t address[16], uint16_t port, uint8_t ipVersion) {
  // Whatever has a colon; an IPv4-mapped address has one.
  const bool brackets = ipVersion != 4;
  if (brackets) pen.put('[');
  writeAddress(pen, address, ipVersion);
  pen.write(brackets ? std::string_view("]:") : std::string_view(":"));
  pen.number(port);
}

void putDigits(char* to, int width, int64_t value) {
  for (int i = width; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void writeAddress(Pen& pen, const uint8_t address[16], uint8_t ipVersion) {
  if (ipVersion == 4)
    writeIpv4(pen, address + 12);
  else
    writeIpv6(pen, address);
}

void writeConnectionJson(Pen& pen, const delivery::Connection& connection) {
  pen.write(R"({"id":)");
  pen.number(static_cast<uint64_t>(connection.id));
  pen.write(R"(,"client":)");
  writeEndpoint(pen, connection.clientAddress, connection.clientPort, connection.ipVersion);
  pen.write(R"(,"server":)");
  writeEndpoint(pen, connection.serverAddress, connection.serverPort, connection.ipVersion);
  if (connection.proxiedIpVersion != 0) {
    pen.write(R"(,"proxied":{"source":)");
    writeEndpoint(pen, connection.proxiedSource, connection.proxiedSourcePort, connection.proxiedIpVersion);
    pen.write(R"(,"destination":)");
    writeEndpoint(pen, connection.proxiedDestination, connection.proxiedDestinationPort, connection.proxiedIpVersion);
    pen.write("}");
  }
  pen.write("}");
}

void writeEnds(Pen& pen, const delivery::Connection& connection) {
  writeEnd(pen, connection.clientAddress, connection.clientPort, connection.ipVersion);
  pen.write(" -> ");
  writeServer(pen, connection);
}

void writeServer(Pen& pen, const delivery::Connection& connection) {
  writeEnd(pen, connection.serverAddress, connection.serverPort, connection.ipVersion);
}

void ConnectionTexts::write(Pen& pen, const delivery::Connection& connection) {
  if (entries_ == nullptr) entries_ = std::make_unique<Entry[]>(count);
  Entry& entry = entries_[static_cast<uint64_t>(connection.id) % count];
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&connection);
  if (entry.length == 0 || std::memcmp(entry.connection, bytes, sizeof connection) != 0) {
    Pen into(entry.text);
    writeAnew_(into, connection);
    std::memcpy(entry.connection, bytes, sizeof connection);
    entry.length = static_cast<uint32_t>(into.at() - entry.text);
  }
  pen.copy(entry.text, entry.length);
}

void TimeWriter::write(Pen& pen, int64_t ns, unsigned fractionDigits) {
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
  pen.copy(reinterpret_cast<const uint8_t*>(text_), sizeof text_);
  if (fractionDigits == 9)
    pen.digits(static_cast<uint64_t>(rest), 9);
  else
    pen.digits(static_cast<uint64_t>(rest) / 1000, 6);
  pen.put('Z');
}

}  // namespace flowtap::text
