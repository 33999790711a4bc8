// JSON as bytes.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "text/connection_text.h"
#include "text/json.h"

using namespace flowtap;

namespace {

std::string textOf(const text::TextBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}
const uint8_t* bytes(const std::string& from) { return reinterpret_cast<const uint8_t*>(from.data()); }

/// In memory of its own, so that nothing beyond it is read.
std::string latin1(const std::string& from) {
  const std::vector<uint8_t> given(from.begin(), from.end());
  text::TextBuffer to;
  uint8_t* const start = to.extend(from.size() * text::longestEscape + text::blockBytes);
  text::Pen pen(start);
  text::writeLatin1(pen, given.data(), given.size(), given.data() + given.size());
  to.truncate(static_cast<size_t>(pen.at() - start));
  return textOf(to);
}
std::string utf8(const std::string& from) {
  const std::vector<uint8_t> given(from.begin(), from.end());
  text::TextBuffer to;
  text::appendUtf8(to, given.data(), given.size());
  return textOf(to);
}
std::string base64(const std::string& from) {
  text::TextBuffer to;
  text::appendBase64(to, bytes(from), from.size());
  return textOf(to);
}
template <typename Write>
std::string penned(Write write) {
  uint8_t room[text::maxConnectionText];
  text::Pen pen(room);
  write(pen);
  return {reinterpret_cast<const char*>(room), static_cast<size_t>(pen.at() - room)};
}
std::string timeOf(int64_t ns, unsigned fractionDigits = 9) {
  text::TimeWriter writer;
  return penned([&](text::Pen& pen) { writer.write(pen, ns, fractionDigits); });
}
std::string ipv6(std::initializer_list<uint16_t> groups) {
  uint8_t address[16];
  int i = 0;
  for (const uint16_t group : groups) {
    address[i++] = static_cast<uint8_t>(group >> 8);
    address[i++] = static_cast<uint8_t>(group);
  }
  return penned([&](text::Pen& pen) { text::writeAddress(pen, address, 6); });
}
bool isUtf8(const std::string& from) { return text::isUtf8(bytes(from), from.size()); }

}  // namespace

TEST_CASE("text: every byte at every place of a word is escaped as it must be") {
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
    for (size_t at = 0; at < 50; at++) {
      std::string from(50, 'a');
      from[at] = static_cast<char>(byte);
      std::string want(50, 'a');
      CHECK(latin1(from) == want.substr(0, at) + wide + want.substr(at + 1));
      CHECK(utf8(from) == want.substr(0, at) + escaped + want.substr(at + 1));
    }
  }
}

TEST_CASE("text: long strings of nothing but escapes") {
  const std::string from(10'000, '\1');
  std::string want;
  for (size_t i = 0; i < from.size(); i++) want += "\\u0001";
  CHECK(latin1(from) == want);
  CHECK(utf8(from) == want);
}

TEST_CASE("text: strings that end anywhere, with escapes side by side") {
  for (size_t length = 0; length < 70; length++) {
    const std::string plain(length, 'x');
    CHECK(latin1(plain) == plain);
    CHECK(utf8(plain) == plain);
    std::string quotes;
    std::string mixed;
    std::string wantMixed;
    for (size_t i = 0; i < length; i++) {
      quotes += "\\\"";
      mixed += i % 3 == 0 ? '"' : i % 3 == 1 ? 'a' : '\x02';
      wantMixed += i % 3 == 0 ? "\\\"" : i % 3 == 1 ? "a" : "\\u0002";
    }
    CHECK(latin1(std::string(length, '"')) == quotes);
    CHECK(utf8(std::string(length, '"')) == quotes);
    CHECK(latin1(mixed) == wantMixed);
    CHECK(utf8(mixed) == wantMixed);
  }
}

TEST_CASE("text: what is UTF-8") {
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

TEST_CASE("text: base64 (RFC 4648, 10)") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("text: times") {
  CHECK(timeOf(0) == "1970-01-01T00:00:00.000000000Z");
  CHECK(timeOf(1'668'229'140'123'456'789) == "2022-11-12T04:59:00.123456789Z");
  CHECK(timeOf(951'782'400'000'000'001) == "2000-02-29T00:00:00.000000001Z");
  CHECK(timeOf(4'107'542'399'999'999'999) == "2100-02-28T23:59:59.999999999Z");
  CHECK(timeOf(-1) == "1969-12-31T23:59:59.999999999Z");
  CHECK(timeOf(INT64_MAX) == "2262-04-11T23:47:16.854775807Z");
  CHECK(timeOf(INT64_MIN) == "1677-09-21T00:12:43.145224192Z");
}

TEST_CASE("text: times with six digits are cut, not rounded") {
  CHECK(timeOf(1'668'229'140'123'456'999, 6) == "2022-11-12T04:59:00.123456Z");
  CHECK(timeOf(-1, 6) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("text: addresses as RFC 5952 writes them") {
  CHECK(ipv6({0, 0, 0, 0, 0, 0, 0, 0}) == "::");
  CHECK(ipv6({0, 0, 0, 0, 0, 0, 0, 1}) == "::1");
  CHECK(ipv6({0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}) == "2001:db8::1:0:0:1");
  CHECK(ipv6({0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}) == "2001:db8:0:1:1:1:1:1");
  CHECK(ipv6({0x2001, 0, 0, 1, 0, 0, 0, 1}) == "2001:0:0:1::1");
  CHECK(ipv6({1, 2, 3, 4, 5, 6, 0, 0}) == "1:2:3:4:5:6::");
  CHECK(ipv6({0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201}) == "::ffff:192.0.2.1");
}
