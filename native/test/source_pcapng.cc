// The pcapng format.
#include "source_fixture.h"

namespace flowtap::source {
namespace {

constexpr int64_t second = 1'000'000'000;
constexpr uint64_t microseconds = 1'700'000'000'123'456;

Parsed parse(const Writer& writer) { return parseInPieces(writer.bytes, writer.bytes.size()); }

TEST_CASE("both byte orders and every kind of packet block") {
  for (const bool bigEndian : {false, true}) {
    Writer writer(bigEndian);
    writer.section().interface(1).interface(113, 50);
    writer.enhanced(0, microseconds, sequence(61), 1514);
    writer.enhanced(1, microseconds + 1, sequence(50, 9), 50);
    writer.simple(sequence(30), 30);
    writer.obsolete(1, microseconds + 2, sequence(7), 8);
    for (const size_t piece : {size_t{1}, size_t{13}, writer.bytes.size()}) {
      const Parsed parsed = parseInPieces(writer.bytes, piece);
      CHECK(parsed.error == "");
      REQUIRE(parsed.packets.size() == 4);
      CHECK(parsed.packets[0] == Kept{sequence(61), 1514, 1700000000 * second + 123456000, 1, 0});
      CHECK(parsed.packets[1] == Kept{sequence(50, 9), 50, 1700000000 * second + 123457000, 113, 1});
      CHECK(parsed.packets[2] == Kept{sequence(30), 30, 0, 1, 0});
      CHECK(parsed.packets[3] == Kept{sequence(7), 8, 1700000000 * second + 123458000, 113, 1});
    }
  }
}

TEST_CASE("a simple packet is cut at the snap length") {
  const Parsed parsed = parse(Writer().section().interface(1, 20).simple(sequence(20), 1500));
  REQUIRE(parsed.packets.size() == 1);
  CHECK(parsed.packets[0] == Kept{sequence(20), 1500, 0, 1, 0});
}

TEST_CASE("a file that ends anywhere gives what came before, and says so") {
  Writer writer;
  writer.section().interface(1);
  const size_t header = writer.bytes.size();
  writer.enhanced(0, microseconds, sequence(61), 61);
  const size_t first = writer.bytes.size();
  writer.enhanced(0, microseconds, sequence(10), 10);
  for (size_t length = 0; length < writer.bytes.size(); length++) {
    CAPTURE(length);
    const Buffer part(writer.bytes.begin(), writer.bytes.begin() + static_cast<std::ptrdiff_t>(length));
    const Parsed parsed = parseInPieces(part, 16);
    CHECK(parsed.packets.size() == (length < first ? 0 : 1));
    const bool proper = length == 28 || length == header || length == first;
    CHECK(parsed.error.empty() == proper);
    if (length > header && !proper) CHECK(contains(parsed.error, "truncated in the middle of a record"));
  }
}

TEST_CASE("several sections, with different byte orders, count interfaces on") {
  Writer writer;
  writer.section().interface(1).interface(101).enhanced(1, microseconds, sequence(5), 5);
  writer.raw(Writer(true).section().interface(113).enhanced(0, microseconds, sequence(6), 6).bytes);
  writer.raw(Writer(true).section().bytes);
  writer.raw(Writer(false).section().interface(276).enhanced(0, microseconds, sequence(7), 7).bytes);
  for (const size_t piece : {size_t{1}, writer.bytes.size()}) {
    for (const size_t capacity : {size_t{1}, size_t{2}, size_t{256}}) {
      const Parsed parsed = parseInPieces(writer.bytes, piece, capacity);
      CHECK(parsed.error == "");
      REQUIRE(parsed.packets.size() == 3);
      CHECK(parsed.packets[0].linkType == 101);
      CHECK(parsed.packets[0].interfaceId == 1);
      CHECK(parsed.packets[1].linkType == 113);
      CHECK(parsed.packets[1].interfaceId == 2);
      CHECK(parsed.packets[2].linkType == 276);
      CHECK(parsed.packets[2].interfaceId == 3);
    }
  }
}

TEST_CASE("an interface of an earlier section is gone") {
  Writer writer;
  writer.section().interface(1).enhanced(0, 1, sequence(5), 5).section().enhanced(0, 1, sequence(5), 5);
  const Parsed parsed = parse(writer);
  CHECK(parsed.packets.size() == 1);
  CHECK(contains(parsed.error, "a packet of interface 0, which was not described before"));
}

TEST_CASE("resolutions and offsets of timestamps") {
  const auto timestampOf = [](uint64_t timestamp, const Buffer& resolution, const Buffer& offset = {}) {
    Writer options;
    if (!resolution.empty()) options.option(9, resolution);
    if (!offset.empty()) options.option(14, offset);
    const Parsed parsed =
        parse(Writer().section().interface(1, 0, options.option(0, {}).bytes).enhanced(0, timestamp, {}, 0));
    REQUIRE(parsed.packets.size() == 1);
    return parsed.packets[0].timestampNs;
  };
  CHECK(timestampOf(1'500'000, {}) == 1'500'000'000);
  CHECK(timestampOf(3, {0}) == 3 * second);
  CHECK(timestampOf(3'001, {3}) == 3'001'000'000);
  CHECK(timestampOf(3'000'000'001, {9}) == 3'000'000'001);
  CHECK(timestampOf(3'000'000'001'999, {12}) == 3'000'000'001);
  CHECK(timestampOf(10'000'000'000'000'000'000u, {19}) == second);
  CHECK(timestampOf(3 * 1024 + 512, {0x80 | 10}) == 3'500'000'000);
  CHECK(timestampOf(3, {0x80}) == 3 * second);
  CHECK(timestampOf((uint64_t{1} << 63) + (uint64_t{1} << 62), {0x80 | 63}) == 1'500'000'000);
  CHECK(timestampOf((uint64_t{5} << 32) + (uint64_t{1} << 31), {0x80 | 32}) == 5'500'000'000);
  CHECK(timestampOf(5, {6}, Writer().u64(100).bytes) == 100 * second + 5000);
  CHECK(timestampOf(100'000'005, {6}, Writer().u64(static_cast<uint64_t>(-100)).bytes) == 5000);
  // What cannot be is moved to the nearest end of the range.
  CHECK(timestampOf(~uint64_t{0}, {0}) == maxTimestampNs);
  CHECK(timestampOf(~uint64_t{0}, {9}) == maxTimestampNs);
  CHECK(timestampOf(~uint64_t{0}, {0x81}) == maxTimestampNs);
  CHECK(timestampOf(5, {6}, Writer().u64(uint64_t{1} << 63).bytes) == 0);
  CHECK(timestampOf(~uint64_t{0}, {0}, Writer().u64(~uint64_t{0} >> 1).bytes) == maxTimestampNs);
}

TEST_CASE("options of an interface that are damaged") {
  const auto errorOf = [](const Buffer& options) { return parse(Writer().section().interface(1, 0, options)).error; };
  CHECK(contains(errorOf(Writer().option(9, {20}).bytes), "resolution beyond 64 bits"));
  CHECK(contains(errorOf(Writer().option(9, {0x80 | 64}).bytes), "resolution beyond 64 bits"));
  CHECK(contains(errorOf(Writer().option(9, {6, 6}).bytes), "if_tsresol has 2 bytes"));
  CHECK(contains(errorOf(Writer().option(14, {1, 2, 3, 4}).bytes), "if_tsoffset has 4 bytes"));
  CHECK(contains(errorOf(Writer().u16(2).u16(400).u32(0).bytes), "longer than its block"));
  // Behind the end of the options nothing is read.
  CHECK(errorOf(Writer().option(0, {}).u16(9).u16(1).u32(99).bytes) == "");
  CHECK(errorOf(Writer().option(2, {'e', 't', 'h', '0', '!'}).option(1, {}).bytes) == "");
}

TEST_CASE("other blocks are skipped, and shown to a listener") {
  class Recorder final : public BlockListener {
   public:
    void block(uint32_t type, const uint8_t* body, size_t length, bool swapped) override {
      types.push_back(type);
      bodies.emplace_back(body, body + length);
      anySwapped |= swapped;
    }
    std::vector<uint32_t> types;
    std::vector<Buffer> bodies;
    bool anySwapped = false;
  };
  Writer writer;
  const Buffer secrets = Writer().u32(0x544c534b).u32(8).raw(sequence(8)).bytes;
  writer.section().block(10, secrets).interface(1).block(4, sequence(12)).enhanced(0, 1, sequence(5), 5);
  writer.block(5, sequence(8)).block(0x80000bad, {}).enhanced(0, 2, sequence(6), 6).block(77, sequence(4));
  Recorder recorder;
  const Parsed parsed = parseInPieces(writer.bytes, 9, 1, &recorder);
  CHECK(parsed.error == "");
  CHECK(parsed.packets.size() == 2);
  CHECK(recorder.types == std::vector<uint32_t>{10, 4, 5, 0x80000bad, 77});
  CHECK(recorder.bodies[0] == secrets);
  CHECK(recorder.anySwapped == (std::endian::native == std::endian::big));
}

TEST_CASE("blocks whose lengths are wrong") {
  const auto errorAfterGoodPacket = [](const Buffer& rest) {
    const Parsed parsed = parse(Writer().section().interface(1).enhanced(0, 1, sequence(5), 5).raw(rest));
    CHECK(parsed.packets.size() == 1);
    return parsed.error;
  };
  CHECK(contains(errorAfterGoodPacket(Writer().u32(77).u32(8).u32(8).u32(8).bytes), "a block of 8 bytes"));
  CHECK(contains(errorAfterGoodPacket(Writer().u32(77).u32(14).u32(14).u32(14).bytes), "a block of 14 bytes"));
  CHECK(
      contains(errorAfterGoodPacket(Writer().u32(77).u32(64u << 20).u32(0).u32(0).bytes), "a block of 67108864 bytes"));
  CHECK(contains(errorAfterGoodPacket(Writer().u32(77).u32(16).u32(0).u32(20).bytes),
                 "the two lengths of a block differ"));
  CHECK(contains(errorAfterGoodPacket(Writer().block(6, sequence(16)).bytes), "with only 16 bytes"));
  CHECK(contains(errorAfterGoodPacket(Writer().block(2, sequence(16)).bytes), "with only 16 bytes"));
  CHECK(contains(errorAfterGoodPacket(Writer().block(3, {}).bytes), "with only 0 bytes"));
  CHECK(contains(errorAfterGoodPacket(Writer().block(1, sequence(4)).bytes), "an interface description of 4 bytes"));
  CHECK(contains(errorAfterGoodPacket(Writer().block(0x0a0d0d0a, Writer().u32(0x1a2b3c4d).bytes).bytes),
                 "with only 4 bytes"));
  CHECK(contains(errorAfterGoodPacket(Writer().block(0x0a0d0d0a, sequence(16)).bytes), "without the byte-order magic"));
  CHECK(contains(errorAfterGoodPacket(Writer().section(2).bytes), "version 2.0 is not supported"));
  const Buffer tooLong = Writer().u32(0).u32(0).u32(0).u32(9).u32(9).raw(sequence(8)).bytes;
  CHECK(contains(errorAfterGoodPacket(Writer().block(6, tooLong).bytes),
                 "a packet of 9 bytes in a block with room for 8"));
  CHECK(contains(errorAfterGoodPacket(Writer().simple(sequence(8), 100).bytes),
                 "a packet of 100 bytes in a block with room for 8"));
}

TEST_CASE("a packet block before any interface is damage") {
  CHECK(contains(parse(Writer().section().enhanced(0, 1, sequence(5), 5)).error, "was not described before"));
  CHECK(contains(parse(Writer().section().simple(sequence(5), 5)).error, "was not described before"));
}

TEST_CASE("the number of interfaces is bounded") {
  Writer writer;
  writer.section();
  for (int i = 0; i < 65537; i++) writer.interface(1);
  CHECK(contains(parse(writer).error, "more than 65536 interfaces"));
}

}  // namespace
}  // namespace flowtap::source
