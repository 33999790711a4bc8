// Sources over capture files: regular files, FIFOs, streams.
#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "source/byte_queue.h"
#include "source_fixture.h"

namespace flowtap::source {
namespace {

std::unique_ptr<PacketSource> openFile(const std::string& path, const std::string& filter = "") {
  auto source = makeFileSource({path, filter});
  const bool opened = source->open();
  if (!opened) MESSAGE(source->error().message);
  REQUIRE(opened);
  return source;
}

Error errorOfOpening(const std::string& path, const std::string& filter = "") {
  auto source = makeFileSource({path, filter});
  CHECK_FALSE(source->open());
  Keeper keeper;
  CHECK(source->read(keeper, 0) == ReadStatus::failed);
  return source->error();
}

// More than a read of the buffer, records across its end.
Buffer bigFile(size_t packets) {
  Writer writer;
  writer.classicHeader();
  for (uint32_t i = 0; i < packets; i++) writer.record(i, 0, sequence(i % 1500, static_cast<uint8_t>(i)), 1500);
  return writer.bytes;
}

void checkBigFile(const std::vector<Kept>& kept, size_t packets) {
  REQUIRE(kept.size() == packets);
  size_t wrong = 0;
  for (uint32_t i = 0; i < packets; i++) {
    wrong += kept[i].data != sequence(i % 1500, static_cast<uint8_t>(i)) ||
             kept[i].timestampNs != i * int64_t{1'000'000'000};
  }
  CHECK(wrong == 0);
}

// An Ethernet frame with an IPv4 UDP or TCP packet of these ports.
Buffer frame(uint8_t protocol, uint16_t sourcePort, uint16_t destinationPort) {
  Writer writer(true);
  writer.raw(Buffer(12)).u16(0x800).u16(0x4500).u16(40).u16(1).u16(0).u16(64 << 8 | protocol).u16(0);
  writer.u32(0x7f000001).u32(0x7f000001).u16(sourcePort).u16(destinationPort).raw(Buffer(16));
  return writer.bytes;
}

TEST_CASE("a file longer than the buffer") {
  const TemporaryPath file(bigFile(5000));
  auto source = openFile(file.path);
  CHECK(source->info().linkType == "EN10MB");
  CHECK(source->info().snaplen == 65535);
  CHECK(source->info().interface == "");
  Keeper keeper;
  CHECK(drain(*source, keeper) == ReadStatus::end);
  CHECK(drain(*source, keeper) == ReadStatus::end);
  checkBigFile(keeper.kept, 5000);
  CHECK_FALSE(source->error());
}

TEST_CASE("a read delivers a bounded amount") {
  const TemporaryPath file(bigFile(1000));
  auto source = openFile(file.path);
  Keeper keeper;
  CHECK(source->read(keeper, 0) == ReadStatus::packets);
  CHECK(keeper.kept.size() == 256);
}

TEST_CASE("records that are larger than the buffer make it grow") {
  // A USB capture may have records of many megabytes.
  Writer writer;
  writer.classicHeader(0xa1b2c3d4, 189, 0);
  const size_t lengths[] = {100, 5u << 20, 300000, 70000, 3u << 20, 1};
  for (const size_t length : lengths) writer.record(1, 2, sequence(length), static_cast<uint32_t>(length));
  const TemporaryPath file(writer.bytes);
  auto source = openFile(file.path);
  Keeper keeper;
  CHECK(drain(*source, keeper) == ReadStatus::end);
  REQUIRE(keeper.kept.size() == std::size(lengths));
  for (size_t i = 0; i < std::size(lengths); i++) CHECK(keeper.kept[i].data == sequence(lengths[i]));
}

TEST_CASE("what came before the damage is delivered first") {
  Buffer bytes = bigFile(10);
  bytes.pop_back();
  const TemporaryPath file(bytes);
  auto source = openFile(file.path);
  Keeper keeper;
  CHECK(drain(*source, keeper) == ReadStatus::failed);
  CHECK(keeper.kept.size() == 9);
  CHECK(source->error().code == "ERR_FILE");
  CHECK(contains(source->error().message, "\"" + file.path + "\" is truncated in the middle of a record"));
  CHECK(source->read(keeper, 0) == ReadStatus::failed);

  bytes = bigFile(10);
  bytes.insert(bytes.end(), 16, 0xff);
  const TemporaryPath other(bytes);
  source = openFile(other.path);
  keeper.kept.clear();
  CHECK(drain(*source, keeper) == ReadStatus::failed);
  CHECK(keeper.kept.size() == 10);
  CHECK(contains(source->error().message, "is damaged at byte"));
}

TEST_CASE("files that cannot be read") {
  const TemporaryPath empty(Buffer{});
  const TemporaryPath text(Buffer(100, 'x'));
  const TemporaryPath gzip(Buffer{0x1f, 0x8b, 8, 0, 0, 0, 0, 0});
  const std::string missing = empty.path + ".missing";
  for (const std::string& path : {empty.path, text.path, gzip.path, missing, std::string("/tmp")}) {
    CHECK(errorOfOpening(path).code == "ERR_FILE");
  }
  CHECK(errorOfOpening(empty.path).message == "\"" + empty.path + "\" is empty");
  CHECK(contains(errorOfOpening(text.path).message, "is not a pcap or pcapng capture file"));
  CHECK(contains(errorOfOpening(gzip.path).message, "gzip"));
  CHECK(contains(errorOfOpening(missing).message, "No such file or directory"));
  CHECK(contains(errorOfOpening("/tmp").message, "is a directory"));
}

TEST_CASE("a filter is compiled for each link type") {
  const Buffer web = frame(6, 40000, 80);
  const Buffer dns = frame(17, 40000, 53);
  const Buffer rawWeb(web.begin() + 14, web.end());
  const Buffer rawDns(dns.begin() + 14, dns.end());
  Writer writer;
  // 147 is a link type without a meaning: no expression compiles for it.
  writer.section().interface(1).interface(101).interface(147);
  for (int i = 0; i < 300; i++) {
    writer.enhanced(0, 1, dns, 54).enhanced(0, 2, web, 54).enhanced(1, 3, rawDns, 40).enhanced(1, 4, rawWeb, 40);
    writer.enhanced(2, 5, web, 54);
  }
  const TemporaryPath file(writer.bytes);
  auto source = openFile(file.path, "tcp port 80");
  CHECK(source->info().filter == "tcp port 80");
  Keeper keeper;
  CHECK(drain(*source, keeper) == ReadStatus::end);
  REQUIRE(keeper.kept.size() == 600);
  for (size_t i = 0; i < 600; i++) CHECK(keeper.kept[i].data == (i % 2 == 0 ? web : rawWeb));
  CHECK(source->counters().filteredOut == 900);
}

TEST_CASE("a filter that is bad for the first link type fails the opening") {
  const TemporaryPath file(bigFile(1));
  const Error error = errorOfOpening(file.path, "tcp porp 80");
  CHECK(error.code == "ERR_FILTER");
  CHECK(contains(error.message, "syntax error"));
  const TemporaryPath raw(Writer().section().interface(101).enhanced(0, 1, sequence(5), 5).bytes);
  CHECK(contains(errorOfOpening(raw.path, "vlan 5").message, "no VLAN support for Raw IP"));
}

TEST_CASE("a file of nothing but a header, and one without an interface, just end") {
  for (const Buffer& bytes :
       {Writer().classicHeader().bytes, Writer().section().bytes, Writer().section().interface(1).bytes}) {
    const TemporaryPath file(bytes);
    auto source = openFile(file.path);
    Keeper keeper;
    CHECK(source->read(keeper, -1) == ReadStatus::end);
  }
}

TEST_CASE("wake interrupts the next read of a file, once") {
  const TemporaryPath file(bigFile(300));
  auto source = makeFileSource({file.path, ""});
  source->wake();
  REQUIRE(source->open());
  Keeper keeper;
  CHECK(source->read(keeper, -1) == ReadStatus::interrupted);
  CHECK(source->read(keeper, -1) == ReadStatus::packets);
  source->wake();
  CHECK(source->read(keeper, -1) == ReadStatus::interrupted);
  CHECK(source->read(keeper, -1) == ReadStatus::packets);
  CHECK(source->read(keeper, -1) == ReadStatus::end);
  checkBigFile(keeper.kept, 300);
}

TEST_CASE("a FIFO delivers each packet as soon as its bytes are there") {
  const TemporaryPath fifo;
  unlink(fifo.path.c_str());
  REQUIRE(mkfifo(fifo.path.c_str(), 0600) == 0);
  auto source = openFile(fifo.path);  // does not wait for a writer
  Keeper keeper;
  CHECK(source->read(keeper, 1) == ReadStatus::idle);
  const int writer = open(fifo.path.c_str(), O_WRONLY);
  REQUIRE(writer >= 0);
  const Buffer bytes = Writer().classicHeader().record(1, 0, sequence(100), 100).record(2, 0, sequence(50), 50).bytes;
  const auto send = [&](size_t from, size_t to) {
    CHECK(write(writer, bytes.data() + from, to - from) == static_cast<ssize_t>(to - from));
  };
  send(0, 10);
  CHECK(source->read(keeper, 0) == ReadStatus::idle);
  send(10, 24);
  CHECK(source->read(keeper, 0) == ReadStatus::idle);
  CHECK(source->info().linkType == "EN10MB");
  send(24, 24 + 116);
  CHECK(source->read(keeper, 0) == ReadStatus::packets);
  CHECK(keeper.kept.size() == 1);
  send(24 + 116, bytes.size() - 1);
  CHECK(source->read(keeper, 0) == ReadStatus::idle);
  send(bytes.size() - 1, bytes.size());
  CHECK(source->read(keeper, 0) == ReadStatus::packets);
  CHECK(keeper.kept.size() == 2);

  // Whichever is first: the wake is seen by the blocked read or by the next one.
  std::thread waker([&] { source->wake(); });
  CHECK(source->read(keeper, -1) == ReadStatus::interrupted);
  waker.join();
  CHECK(source->read(keeper, 0) == ReadStatus::idle);
  close(writer);
  CHECK(source->read(keeper, -1) == ReadStatus::end);
}

TEST_CASE("a stream delivers each packet as soon as its bytes are there") {
  auto queue = std::make_shared<ByteQueue>();
  auto source = makeStreamSource({queue, ""});
  REQUIRE(source->open());
  Keeper keeper;
  CHECK(source->read(keeper, 0) == ReadStatus::idle);
  const Buffer bytes = Writer().section().interface(113).enhanced(0, 1, sequence(100), 100).bytes;
  for (size_t i = 0; i < bytes.size(); i++) {
    CHECK(source->read(keeper, 0) == ReadStatus::idle);
    queue->push(&bytes[i], 1);
  }
  CHECK(source->read(keeper, 0) == ReadStatus::packets);
  CHECK(source->info().linkType == "LINUX_SLL");
  CHECK(keeper.kept.size() == 1);

  std::thread waker([&] { source->wake(); });
  CHECK(source->read(keeper, -1) == ReadStatus::interrupted);
  waker.join();

  std::thread producer([&] {
    const Buffer next = Writer().enhanced(0, 2, sequence(9), 9).bytes;
    queue->push(next.data(), next.size());
    queue->push(next.data(), next.size() - 3);
    queue->end();
  });
  CHECK(drain(*source, keeper) == ReadStatus::failed);
  producer.join();
  CHECK(keeper.kept.size() == 2);
  CHECK(source->error().code == "ERR_FILE");
  CHECK(contains(source->error().message, "the stream is truncated in the middle of a record"));
}

TEST_CASE("wake interrupts a stream that has packets") {
  auto queue = std::make_shared<ByteQueue>();
  auto source = makeStreamSource({queue, ""});
  REQUIRE(source->open());
  const Buffer bytes = bigFile(600);
  queue->push(bytes.data(), bytes.size());
  queue->end();
  Keeper keeper;
  CHECK(source->read(keeper, -1) == ReadStatus::packets);
  source->wake();
  CHECK(source->read(keeper, -1) == ReadStatus::interrupted);
  CHECK(drain(*source, keeper) == ReadStatus::end);
  checkBigFile(keeper.kept, 600);
}

TEST_CASE("a stream with a bad filter, and an empty one") {
  auto queue = std::make_shared<ByteQueue>();
  auto source = makeStreamSource({queue, "porp"});
  REQUIRE(source->open());
  const Buffer bytes = bigFile(1);
  queue->push(bytes.data(), bytes.size());
  Keeper keeper;
  CHECK(source->read(keeper, 0) == ReadStatus::failed);
  CHECK(source->error().code == "ERR_FILTER");
  CHECK(keeper.kept.empty());

  queue = std::make_shared<ByteQueue>();
  queue->end();
  source = makeStreamSource({queue, ""});
  REQUIRE(source->open());
  CHECK(source->read(keeper, 0) == ReadStatus::failed);
  CHECK(source->error().message == "the stream is empty");
}

}  // namespace
}  // namespace flowtap::source
