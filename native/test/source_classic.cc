// The classic pcap format.
#include "source_fixture.h"

namespace flowtap::source {
namespace {

constexpr int64_t second = 1'000'000'000;

Buffer twoPackets(uint32_t magic, bool bigEndian, uint32_t linkType = 1) {
  return Writer(bigEndian)
      .classicHeader(magic, linkType)
      .record(1700000000, 123456, sequence(60), 60)
      .record(1700000001, 999999, sequence(33, 100), 1514)
      .bytes;
}

TEST_CASE("both byte orders, micro- and nanoseconds") {
  for (const bool bigEndian : {false, true}) {
    for (const bool nanoseconds : {false, true}) {
      const Buffer file = twoPackets(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, bigEndian);
      const int64_t unit = nanoseconds ? 1 : 1000;
      for (const size_t piece : {size_t{1}, size_t{7}, file.size()}) {
        const Parsed parsed = parseInPieces(file, piece);
        CHECK(parsed.error == "");
        REQUIRE(parsed.packets.size() == 2);
        CHECK(parsed.packets[0] == Kept{sequence(60), 60, 1700000000 * second + 123456 * unit, 1, 0});
        CHECK(parsed.packets[1] == Kept{sequence(33, 100), 1514, 1700000001 * second + 999999 * unit, 1, 0});
      }
    }
  }
}

TEST_CASE("a file that ends anywhere gives what came before, and says so") {
  const Buffer file = twoPackets(0xa1b2c3d4, false);
  for (size_t length = 0; length < file.size(); length++) {
    CAPTURE(length);
    const Parsed parsed = parseInPieces(Buffer(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)), 16);
    CHECK(parsed.packets.size() == (length < 24 + 16 + 60 ? 0 : 1));
    const bool proper = length == 24 || length == 24 + 16 + 60;
    CHECK(parsed.error.empty() == proper);
    if (length == 0) CHECK(parsed.error == "is empty");
    if (length > 24 && !proper) CHECK(contains(parsed.error, "truncated in the middle of a record"));
  }
}

TEST_CASE("bursts are bounded and lose nothing") {
  Writer writer;
  writer.classicHeader();
  for (uint32_t i = 0; i < 1000; i++) writer.record(i, i, sequence(i % 90), 1500);
  for (const size_t capacity : {size_t{1}, size_t{3}, size_t{256}}) {
    const Parsed parsed = parseInPieces(writer.bytes, 4096, capacity);
    CHECK(parsed.error == "");
    REQUIRE(parsed.packets.size() == 1000);
    for (uint32_t i = 0; i < 1000; i++)
      CHECK(parsed.packets[i] == Kept{sequence(i % 90), 1500, i * second + i * 1000, 1, 0});
  }
}

TEST_CASE("the modified format has longer record headers") {
  Writer writer;
  writer.classicHeader(0xa1b2cd34);
  writer.u32(5).u32(6).u32(10).u32(20).u32(1).u16(0x800).u16(0).raw(sequence(10));
  writer.u32(7).u32(8).u32(11).u32(21).u32(1).u16(0x800).u16(0).raw(sequence(11));
  const Parsed parsed = parseInPieces(writer.bytes, 5);
  CHECK(parsed.error == "");
  REQUIRE(parsed.packets.size() == 2);
  CHECK(parsed.packets[0] == Kept{sequence(10), 20, 5 * second + 6000, 1, 0});
  CHECK(parsed.packets[1] == Kept{sequence(11), 21, 7 * second + 8000, 1, 0});
}

TEST_CASE("lcap files of IXIA have a longer file header and nanoseconds") {
  for (const uint32_t magic : {0x1c0001acu, 0x1c0001abu}) {
    for (const bool bigEndian : {false, true}) {
      const Buffer file = Writer(bigEndian).classicHeader(magic).u32(26).record(5, 6, sequence(10), 20).bytes;
      const Parsed parsed = parseInPieces(file, 3);
      CHECK(parsed.error == "");
      REQUIRE(parsed.packets.size() == 1);
      CHECK(parsed.packets[0] == Kept{sequence(10), 20, 5 * second + 6, 1, 0});
    }
  }
}

TEST_CASE("old versions have the lengths the other way round") {
  const auto parse = [](int minor, uint32_t first, uint32_t then) {
    const Writer writer =
        Writer().classicHeader(0xa1b2c3d4, 1, 65535, minor).u32(1).u32(2).u32(first).u32(then).raw(sequence(10));
    const Parsed parsed = parseInPieces(writer.bytes, 100);
    REQUIRE(parsed.packets.size() == 1);
    CHECK(parsed.packets[0] == Kept{sequence(10), 20, second + 2000, 1, 0});
  };
  parse(4, 10, 20);
  parse(2, 20, 10);
  parse(3, 20, 10);
  parse(3, 10, 20);
}

TEST_CASE("a captured length above the length on the wire is kept as it is") {
  const Parsed parsed = parseInPieces(Writer().classicHeader().record(1, 2, sequence(40), 10).bytes, 100);
  REQUIRE(parsed.packets.size() == 1);
  CHECK(parsed.packets[0] == Kept{sequence(40), 10, second + 2000, 1, 0});
}

TEST_CASE("flags above the link type are not part of it, and raw IP has one number") {
  const auto linkTypeOf = [](uint32_t field) {
    const Parsed parsed =
        parseInPieces(Writer().classicHeader(0xa1b2c3d4, field).record(1, 2, sequence(4), 4).bytes, 100);
    REQUIRE(parsed.packets.size() == 1);
    return parsed.packets[0].linkType;
  };
  CHECK(linkTypeOf(0x24000001) == 1);
  CHECK(linkTypeOf(0x30000071) == 113);
  CHECK(linkTypeOf(276) == 276);
  CHECK(linkTypeOf(12) == 101);
  CHECK(linkTypeOf(14) == 101);
}

TEST_CASE("a record of an impossible length is damage, after everything before it") {
  Writer writer;
  writer.classicHeader().record(1, 2, sequence(40), 40).u32(3).u32(4).u32(262145).u32(262145).raw(sequence(100));
  const Parsed parsed = parseInPieces(writer.bytes, 10);
  CHECK(parsed.packets.size() == 1);
  CHECK(contains(parsed.error, "is damaged at byte 80: a record claims 262145 bytes"));
}

TEST_CASE("the largest record is fine") {
  const Parsed parsed = parseInPieces(Writer().classicHeader().record(1, 2, sequence(262144), 262144).bytes, 65536);
  CHECK(parsed.error == "");
  REQUIRE(parsed.packets.size() == 1);
  CHECK(parsed.packets[0].data == sequence(262144));
}

TEST_CASE("timestamps never leave the range whose differences fit") {
  const Parsed parsed = parseInPieces(Writer().classicHeader().record(0xffffffff, 0xffffffff, {}, 0).bytes, 100);
  REQUIRE(parsed.packets.size() == 1);
  CHECK(parsed.packets[0].timestampNs == 4294967295 * second + 4294967295 * 1000);
  CHECK(parsed.packets[0].timestampNs <= maxTimestampNs);
}

TEST_CASE("what is no capture file is named") {
  const auto errorOf = [](const Buffer& file) { return parseInPieces(file, 2).error; };
  CHECK(contains(errorOf({0x1f, 0x8b, 8, 0, 0, 0}), "gzip"));
  CHECK(contains(errorOf({0x1f, 0x8b}), "gzip"));
  CHECK(contains(errorOf({0x28, 0xb5, 0x2f, 0xfd, 0}), "zstd"));
  CHECK(contains(errorOf({0xfd, '7', 'z', 'X', 'Z', 0}), "xz"));
  CHECK(contains(errorOf({'G', 'E', 'T', ' ', '/'}),
                 "is not a pcap or pcapng capture file (it begins with 47 45 54 20)"));
  CHECK(contains(errorOf({0xd4, 0xc3}), "it has only 2 bytes"));
  CHECK(contains(errorOf(Writer().u32(0xa1b2c3d4).u16(1).u16(0).u32(0).u32(0).u32(0).u32(0).bytes),
                 "version 1.0 is not supported"));
  CHECK(contains(errorOf(Writer().u32(0xa1b2c3d4).u16(2).u16(5).u32(0).u32(0).u32(0).u32(0).bytes),
                 "version 2.5 is not supported"));
}

}  // namespace
}  // namespace flowtap::source
