// JSON as bytes.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "json/connection_text.h"
#include "json/text.h"

using namespace flowtap;

namespace {

std::string text(const ByteBuffer& buffer) { return {reinterpret_cast<const char*>(buffer.data()), buffer.size()}; }
const uint8_t* bytes(const std::string& from) { return reinterpret_cast<const uint8_t*>(from.data()); }

std::string latin1(const std::string& from) {
  ByteBuffer to;
  json::appendLatin1(to, bytes(from), from.size());
  return text(to);
}
std::string utf8(const std::string& from) {
  ByteBuffer to;
  json::appendUtf8(to, bytes(from), from.size());
  return text(to);
}
std::string base64(const std::string& from) {
  ByteBuffer to;
  json::appendBase64(to, bytes(from), from.size());
  return text(to);
}
std::string time(int64_t ns) {
  json::TimeWriter writer;
  ByteBuffer to;
  writer.append(to, ns);
  return text(to);
}
std::string ipv6(std::initializer_list<uint16_t> groups) {
  uint8_t address[16];
  int i = 0;
  for (const uint16_t group : groups) {
    address[i++] = static_cast<uint8_t>(group >> 8);
    address[i++] = static_cast<uint8_t>(group);
  }
  ByteBuffer to;
  json::appendAddress(to, address, 6);
  return text(to);
}
bool isUtf8(const std::string& from) { return json::isUtf8(bytes(from), from.size()); }

}  // namespace

TEST_CASE("json: every byte at every place of a word is escaped as it must be") {
  for (int byte = 0; byte < 256; byte++) {
    std::string escaped(1, static_cast<char>(byte));
    char code[8];
    if (byte < 0x20) {
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      escaped = code;
    }
    const char* const letters[] = {"\bb", "\tt", "\nn", "\ff", "\rr", "\"\"", "\\\\"};
    for (const char* letter : letters)
      if (byte == letter[0]) escaped = std::string("\\") + letter[1];
    std::string wide = escaped;
    if (byte >= 0x80) wide = {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f))};
    for (size_t at = 0; at < 17; at++) {
      std::string from(17, 'a');
      from[at] = static_cast<char>(byte);
      std::string want(17, 'a');
      CHECK(latin1(from) == want.substr(0, at) + wide + want.substr(at + 1));
      CHECK(utf8(from) == want.substr(0, at) + escaped + want.substr(at + 1));
    }
  }
}

TEST_CASE("json: long strings of nothing but escapes") {
  const std::string from(10'000, '\1');
  std::string want;
  for (size_t i = 0; i < from.size(); i++) want += "\\u0001";
  CHECK(latin1(from) == want);
  CHECK(utf8(from) == want);
}

TEST_CASE("json: what is UTF-8") {
  for (const char* good : {"", "plain text, longer than a word", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(isUtf8(good));
    CHECK(isUtf8(std::string("1234567") + good + "12345678"));
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe1\x80", "\xe1\x80\x41",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf1\x80\x80", "\xff"}) {
    CHECK_FALSE(isUtf8(bad));
    CHECK_FALSE(isUtf8(std::string("1234567") + bad));
    CHECK_FALSE(isUtf8(bad + std::string("12345678")));
  }
}

TEST_CASE("json: base64 (RFC 4648, 10)") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("json: times") {
  CHECK(time(0) == "1970-01-01T00:00:00.000000000Z");
  CHECK(time(1'668'229'140'123'456'789) == "2022-11-12T04:59:00.123456789Z");
  CHECK(time(951'782'400'000'000'001) == "2000-02-29T00:00:00.000000001Z");
  CHECK(time(4'107'542'399'999'999'999) == "2100-02-28T23:59:59.999999999Z");
  CHECK(time(-1) == "1969-12-31T23:59:59.999999999Z");
  CHECK(time(INT64_MAX) == "2262-04-11T23:47:16.854775807Z");
  CHECK(time(INT64_MIN) == "1677-09-21T00:12:43.145224192Z");
}

TEST_CASE("json: addresses as RFC 5952 writes them") {
  CHECK(ipv6({0, 0, 0, 0, 0, 0, 0, 0}) == "::");
  CHECK(ipv6({0, 0, 0, 0, 0, 0, 0, 1}) == "::1");
  CHECK(ipv6({0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}) == "2001:db8::1:0:0:1");
  CHECK(ipv6({0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}) == "2001:db8:0:1:1:1:1:1");
  CHECK(ipv6({0x2001, 0, 0, 1, 0, 0, 0, 1}) == "2001:0:0:1::1");
  CHECK(ipv6({1, 2, 3, 4, 5, 6, 0, 0}) == "1:2:3:4:5:6::");
  CHECK(ipv6({0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201}) == "::ffff:192.0.2.1");
}
