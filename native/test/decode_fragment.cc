// IP fragments: order, overlaps, time-outs, caps.
#include <algorithm>
#include <vector>

#include "decode/fragment_table.h"
#include "test/decode_case.h"

using namespace flowtap;
using namespace flowtap::test;
using decode::DecodeResult;

namespace {

constexpr int64_t second = 1'000'000'000;

std::string makeText(size_t length) {
  std::string text;
  for (size_t i = 0; i < length; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

const std::string text = makeText(300);

// TCP with a right checksum, as IP carries it.
Bytes datagram(const std::string& payload = text) {
  const Bytes packet = ipv4(6, tcp(payload));
  return slice(packet, 20, packet.size() - 20);
}

Bytes fragment4(const Bytes& whole, size_t from, size_t count, uint16_t identification = 7, uint8_t protocol = 6) {
  Ipv4Fields fields;
  fields.identification = identification;
  const bool more = from + count < whole.size();
  fields.flagsAndOffset = static_cast<uint16_t>((more ? 0x2000u : 0u) | from / 8);
  return ethernet(0x0800, ipv4(protocol, slice(whole, from, count), fields));
}

Bytes datagram6(const std::string& payload = text) {
  const Bytes packet = ipv6(6, tcp(payload));
  return slice(packet, 40, packet.size() - 40);
}

Bytes fragment6(const Bytes& whole, size_t from, size_t count, uint32_t identification = 7) {
  const bool more = from + count < whole.size();
  return ethernet(0x86dd, ipv6(44, ipv6FragmentHeader(6, static_cast<uint32_t>(from), more, identification,
                                                      slice(whole, from, count))));
}

std::vector<Bytes> cut(const Bytes& whole, size_t size, bool v6) {
  std::vector<Bytes> fragments;
  for (size_t from = 0; from < whole.size(); from += size) {
    const size_t count = std::min(size, whole.size() - from);
    fragments.push_back(v6 ? fragment6(whole, from, count) : fragment4(whole, from, count));
  }
  return fragments;
}

}  // namespace

TEST_CASE("decode: it is told of which datagrams packets were fragments") {
  const std::vector<Bytes> first = cut(datagram(), 160, false);
  const std::vector<Bytes> second = cut(datagram6(), 160, true);
  REQUIRE(first.size() == 2);
  using Numbers = std::vector<uint64_t>;
  Decoding decoding;
  const auto touched = [&decoding](const Bytes& packet) {
    decoding.decode(packet);
    const Numbers numbers = decoding.decoder.touchedDatagrams();
    decoding.decoder.releaseDatagrams();
    return numbers;
  };
  CHECK(touched(first[0]) == Numbers{1});
  CHECK(touched(second[1]) == Numbers{2});
  CHECK(touched(ethernet(0x0800, ipv4(6, tcp(text)))).empty());
  CHECK(touched(first[1]) == Numbers{1});
  CHECK(touched(second[0]) == Numbers{2});
  // The same again is another datagram.
  CHECK(touched(first[1]) == Numbers{3});
}

TEST_CASE("decode: fragments in every order") {
  for (const bool v6 : {false, true}) {
    const std::vector<Bytes> fragments = cut(v6 ? datagram6() : datagram(), 80, v6);
    REQUIRE(fragments.size() == 4);
    std::vector<size_t> order = {0, 1, 2, 3};
    do {
      decode::DecodeOptions options;
      options.verifyChecksums = true;
      Decoding decoding(options);
      for (size_t i = 0; i < 3; ++i) REQUIRE(decoding.decode(fragments[order[i]]) == DecodeResult::fragment);
      REQUIRE(decoding.decode(fragments[order[3]]) == DecodeResult::segment);
      CHECK(decoding.payload() == text);
      CHECK(decoding.segment.truncatedLength == 0);
      CHECK(decoding.stats.packets_fragments == 3);
      CHECK(decoding.stats.packets_decoded == 1);
      CHECK(decoding.stats.decode_fragmentDatagrams == 1);
      CHECK(decoding.stats.decode_fragmentsOverlapping == 0);
      decoding.decoder.releaseDatagrams();
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE("decode: a first fragment with the whole header waits for the rest") {
  const Bytes whole = datagram();
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 0, 304)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(whole, 304, whole.size() - 304)) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
}

TEST_CASE("decode: a TCP header spread over fragments") {
  const Bytes whole = datagram();
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 0, 8)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(whole, 8, whole.size() - 8)) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
}

TEST_CASE("decode: fragments of different datagrams are kept apart") {
  const Bytes one = datagram(makeText(100));
  const Bytes two = datagram(makeText(90));
  Decoding decoding;
  CHECK(decoding.decode(fragment4(one, 0, 64, 1)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(two, 0, 64, 2)) == DecodeResult::fragment);
  // The same id under another protocol, in another VLAN and in the other version of IP.
  CHECK(decoding.decode(fragment4(two, 64, two.size() - 64, 1, 17)) == DecodeResult::fragment);
  const Bytes tail = fragment4(one, 64, one.size() - 64, 1);
  CHECK(decoding.decode(ethernet(0x8100, vlanTag(5, 0x0800, slice(tail, 14, tail.size() - 14)))) ==
        DecodeResult::fragment);
  CHECK(decoding.decode(fragment6(one, 64, one.size() - 64, 1)) == DecodeResult::fragment);
  REQUIRE(decoding.decode(tail) == DecodeResult::segment);
  CHECK(decoding.segment.payloadLength == 100);
  REQUIRE(decoding.decode(fragment4(two, 64, two.size() - 64, 2)) == DecodeResult::segment);
  CHECK(decoding.segment.payloadLength == 90);
  CHECK(decoding.balanced());
}

TEST_CASE("decode: datagrams stay valid until they are released") {
  const Bytes one = datagram(makeText(100));
  Decoding decoding;
  std::vector<decode::Segment> segments;
  for (uint16_t id = 0; id < 50; ++id) {
    CHECK(decoding.decode(fragment4(one, 0, 64, id)) == DecodeResult::fragment);
    REQUIRE(decoding.decode(fragment4(one, 64, one.size() - 64, id)) == DecodeResult::segment);
    segments.push_back(decoding.segment);
  }
  for (const decode::Segment& segment : segments) {
    CHECK(std::string(reinterpret_cast<const char*>(segment.payload), segment.payloadLength) == makeText(100));
  }
  decoding.decoder.releaseDatagrams();
}

TEST_CASE("decode: duplicates and overlaps with the same bytes are harmless") {
  for (const bool v6 : {false, true}) {
    const Bytes whole = v6 ? datagram6() : datagram();
    const auto fragment = [&](size_t from, size_t count) {
      return v6 ? fragment6(whole, from, count) : fragment4(whole, from, count);
    };
    Decoding decoding;
    CHECK(decoding.decode(fragment(80, 80)) == DecodeResult::fragment);
    CHECK(decoding.decode(fragment(80, 80)) == DecodeResult::fragment);
    CHECK(decoding.decode(fragment(240, whole.size() - 240)) == DecodeResult::fragment);
    CHECK(decoding.decode(fragment(40, 240)) == DecodeResult::fragment);
    CHECK(decoding.decode(fragment(0, 48)) == DecodeResult::segment);
    CHECK(decoding.payload() == text);
    CHECK(decoding.stats.decode_fragmentsOverlapping == 0);
  }
}

TEST_CASE("decode: of differing overlaps in IPv4 the first bytes win") {
  const Bytes whole = datagram();
  Bytes other = whole;
  for (size_t i = 20; i < other.size(); ++i) other[i] = '#';
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 80, 80)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(other, 0, 240)) == DecodeResult::fragment);
  CHECK(decoding.stats.decode_fragmentsOverlapping == 1);
  REQUIRE(decoding.decode(fragment4(whole, 160, whole.size() - 160)) == DecodeResult::segment);
  CHECK(decoding.stats.decode_fragmentsOverlapping == 2);
  // 60 bytes of payload before the first fragment, 80 of it, 80 behind it, the rest from the last one.
  CHECK(decoding.payload() == std::string(60, '#') + text.substr(60, 80) + std::string(80, '#') + text.substr(220));
}

TEST_CASE("decode: differing overlaps in IPv6 give the datagram up") {
  const Bytes whole = datagram6();
  Bytes other = whole;
  other[100] ^= 1;
  Decoding decoding;
  CHECK(decoding.decode(fragment6(whole, 80, 80)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment6(other, 80, 80)) == DecodeResult::fragment);
  CHECK(decoding.stats.decode_fragmentsOverlapping == 1);
  CHECK(decoding.decode(fragment6(whole, 0, 80)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment6(whole, 160, whole.size() - 160)) == DecodeResult::fragment);
  CHECK(decoding.stats.packets_fragments == 4);
  decoding.decoder.advance(31 * second);
  CHECK(decoding.stats.decode_fragmentsExpired == 4);
  // The id may be used again.
  CHECK(decoding.decode(fragment6(whole, 0, 160), 1, SIZE_MAX, 32 * second) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment6(whole, 160, whole.size() - 160), 1, SIZE_MAX, 32 * second) == DecodeResult::segment);
}

TEST_CASE("decode: contradictory ends") {
  const Bytes whole = datagram();
  const Bytes shorter = slice(whole, 0, 240);
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 240, whole.size() - 240)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(shorter, 160, 80)) == DecodeResult::fragment);  // another last one
  CHECK(decoding.stats.decode_fragmentsOverlapping == 1);
  Bytes longer = join({whole, zeros(400)});
  CHECK(decoding.decode(fragment4(longer, 320, 80)) == DecodeResult::fragment);  // behind the last one
  CHECK(decoding.stats.decode_fragmentsOverlapping == 2);
  REQUIRE(decoding.decode(fragment4(whole, 0, 240)) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
}

TEST_CASE("decode: a last fragment that ends before bytes that are there") {
  const Bytes whole = datagram();
  const Bytes shorter = slice(whole, 0, 160);
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 160, 80)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(whole, 0, 80)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(shorter, 80, 80)) == DecodeResult::fragment);
  CHECK(decoding.stats.decode_fragmentsOverlapping == 1);
  CHECK(decoding.decode(fragment4(whole, 240, whole.size() - 240)) == DecodeResult::fragment);
  REQUIRE(decoding.decode(fragment4(whole, 80, 80)) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
}

TEST_CASE("decode: fragments expire by packet time") {
  const Bytes whole = datagram();
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 0, 160), 1, SIZE_MAX, 100 * second) == DecodeResult::fragment);
  decoding.decoder.advance(130 * second);
  CHECK(decoding.stats.decode_fragmentsExpired == 0);
  decoding.decoder.advance(131 * second);
  CHECK(decoding.stats.decode_fragmentsExpired == 1);
  CHECK(decoding.decode(fragment4(whole, 160, whole.size() - 160), 1, SIZE_MAX, 131 * second) ==
        DecodeResult::fragment);
  // A fragment of the same id that comes much later begins anew, even if nobody called advance().
  CHECK(decoding.decode(fragment4(whole, 0, 160), 1, SIZE_MAX, 200 * second) == DecodeResult::fragment);
  CHECK(decoding.stats.decode_fragmentsExpired == 2);
  CHECK(decoding.decode(fragment4(whole, 160, whole.size() - 160), 1, SIZE_MAX, 201 * second) == DecodeResult::segment);
}

TEST_CASE("decode: memory for fragments is capped, the oldest go first") {
  decode::DecodeOptions options;
  options.maxFragmentBytes = 20'000;
  Decoding decoding(options);
  const Bytes whole = datagram(makeText(2000));
  uint64_t sent = 0;
  for (uint16_t id = 0; id < 200; ++id) {
    CHECK(decoding.decode(fragment4(whole, 0, 1000, id)) == DecodeResult::fragment);
    ++sent;
  }
  CHECK(decoding.stats.decode_fragmentsEvicted > 150);
  CHECK(decoding.stats.decode_fragmentsEvicted < sent);
  CHECK(decoding.decode(fragment4(whole, 1000, whole.size() - 1000, 0)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(whole, 1000, whole.size() - 1000, 199)) == DecodeResult::segment);
  CHECK(decoding.balanced());
}

TEST_CASE("decode: the number of datagrams and of their pieces is capped") {
  Stats stats;
  decode::DecodeOptions options;
  options.maxFragmentBytes = UINT64_MAX;
  decode::FragmentTable table(options, stats);
  const Bytes content = zeros(8);
  decode::FragmentKey key = {};
  decode::Datagram out;
  for (uint32_t i = 0; i < decode::FragmentTable::maxDatagrams + 10; ++i) {
    key.identification = i;
    CHECK_FALSE(table.add(key, {content.data(), 8, 0, 8, true, 6}, 0, out));
  }
  CHECK(table.datagrams() == decode::FragmentTable::maxDatagrams);
  CHECK(stats.decode_fragmentsEvicted == 10);
  table.advance(1000 * second);
  CHECK(table.datagrams() == 0);
  CHECK(table.heldBytes() == 0);
  CHECK(stats.decode_fragmentsExpired == decode::FragmentTable::maxDatagrams);

  // 65535 bytes in pieces of 8 are more than any MTU makes.
  for (uint32_t offset = 0; offset < 65528; offset += 8) {
    CHECK_FALSE(table.add(key, {content.data(), 8, 0, offset, true, 6}, 1000 * second, out));
  }
  CHECK_FALSE(table.add(key, {content.data(), 7, 0, 65528, false, 6}, 1000 * second, out));
  CHECK(table.heldBytes() < 1000);
}

TEST_CASE("decode: the smallest fragments that an MTU allows make the largest datagram") {
  Stats stats;
  decode::FragmentTable table({}, stats);
  const Bytes content(65535, 'x');
  decode::Datagram out;
  bool complete = false;
  for (uint32_t offset = 0; offset < 65535; offset += 48) {
    const uint32_t length = std::min(48u, 65535 - offset);
    complete = table.add({}, {content.data() + offset, length, 0, offset, offset + length < 65535, 6}, 0, out);
  }
  REQUIRE(complete);
  CHECK(out.length == 65535);
  CHECK(table.heldBytes() == 0);
}

TEST_CASE("decode: fragments that no receiver takes") {
  const Bytes whole = datagram();
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 0, 160), 1, 100) == DecodeResult::fragment);  // cut by the snap length
  CHECK(decoding.stats.packets_truncated == 1);
  CHECK(decoding.stats.decode_fragmentsExpired == 1);
  Ipv4Fields beyond;
  beyond.flagsAndOffset = 0x1fff;
  CHECK(decoding.decode(ethernet(0x0800, ipv4(6, zeros(100), beyond))) == DecodeResult::fragment);
  Ipv4Fields empty;
  empty.flagsAndOffset = 0x2000;
  CHECK(decoding.decode(ethernet(0x0800, ipv4(6, {}, empty))) == DecodeResult::fragment);
  CHECK(decoding.decode(ethernet(0x86dd, ipv6(44, ipv6FragmentHeader(6, 0, true, 1, zeros(33))))) ==
        DecodeResult::fragment);
  CHECK(decoding.stats.decode_fragmentsExpired == 4);
  // Nothing in a fragment of ICMP or ESP can be TCP.
  CHECK(decoding.decode(fragment4(whole, 0, 160, 7, 1)) == DecodeResult::notTcp);
  CHECK(decoding.decode(fragment4(whole, 160, 80, 7, 50)) == DecodeResult::notTcp);
  CHECK(decoding.balanced());
}

TEST_CASE("decode: a datagram that is complete but not TCP counts as such") {
  const Bytes whole = udp(1000, 2000, zeros(200));
  Decoding decoding;
  CHECK(decoding.decode(fragment4(whole, 0, 160, 7, 17)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(whole, 160, whole.size() - 160, 7, 17)) == DecodeResult::notTcp);
  CHECK(decoding.stats.packets_fragments == 1);
  CHECK(decoding.stats.packets_notTcp == 2);
}

TEST_CASE("decode: fragments inside and outside of tunnels") {
  const Bytes whole = datagram();
  const auto inner = [&](size_t from, size_t count) {
    const Bytes packet = fragment4(whole, from, count);
    return slice(packet, 14, packet.size() - 14);
  };
  Decoding decoding;
  CHECK(decoding.decode(ethernet(0x0800, ipv4(4, inner(0, 160)))) == DecodeResult::fragment);
  CHECK(decoding.decode(ethernet(0x0800, ipv4(4, inner(160, whole.size() - 160)))) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
  CHECK(decoding.segment.scope != 0);

  // A fragmented tunnel packet that holds a fragment.
  const Bytes first = inner(0, 160);
  const Bytes second = inner(160, whole.size() - 160);
  CHECK(decoding.decode(fragment4(first, 0, 96, 20, 4)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(first, 96, first.size() - 96, 20, 4)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(second, 0, 96, 21, 4)) == DecodeResult::fragment);
  CHECK(decoding.decode(fragment4(second, 96, second.size() - 96, 21, 4)) == DecodeResult::segment);
  CHECK(decoding.payload() == text);
  CHECK(decoding.stats.decode_fragmentDatagrams == 4);
  CHECK(decoding.balanced());
}
