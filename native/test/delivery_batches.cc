// Records, batches and the mailbox.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "delivery/mailbox.h"
#include "test/delivery_fixture.h"

using namespace flowtap;
using namespace flowtap::delivery;

namespace {

using Fixture = test::DeliveryFixture;
using Read = test::ReadBatch;

}  // namespace

TEST_CASE("delivery: a record tells all of a message") {
  Fixture f;
  f.send(0, "POST /x?y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nSum: 9\r\n\r\n", 5);
  f.send(1, "HTTP/1.0 404 Not Found\r\nContent-Length: 3\r\n\r\nnay", 6);
  f.outbox.flush();
  CHECK(f.rings == 1);
  const auto batch = f.mailbox.take();
  REQUIRE(batch != nullptr);
  const Read read(*batch);
  REQUIRE(read.header.recordCount == 2);

  const Record request = read.record(0);
  CHECK(request.id == 1);
  CHECK(request.kind == static_cast<uint8_t>(http::Kind::request));
  CHECK(request.httpVersion == 0x11);
  CHECK(request.startTimeNs == 5);
  CHECK(read.text(request.headOffset, request.methodLength) == "POST");
  CHECK(read.text(request.headOffset + request.textOffset, request.textLength) == "/x?y");
  CHECK(read.text(request.bodyOffset, request.bodyKeptLength) == "hi");
  CHECK(request.bodyLength == 2);
  CHECK(request.headersCount == 2);
  CHECK(request.hostIndex == 1);
  uint16_t host[4];
  std::memcpy(host, read.at(request.headersOffset), sizeof host);
  CHECK(read.text(request.headOffset + host[0], host[1] - host[0]) == "Host");
  CHECK(read.text(request.headOffset + host[2], host[3] - host[2]) == "h");
  REQUIRE(request.trailersCount == 1);
  uint16_t sum[4];
  std::memcpy(sum, read.at(request.trailersOffset), sizeof sum);
  CHECK(read.text(request.trailerOffset + sum[2], sum[3] - sum[2]) == "9");

  const Record response = read.record(1);
  CHECK(response.id == 2);
  CHECK(response.requestId == 1);
  CHECK(response.status == 404);
  CHECK(response.httpVersion == 0x10);
  CHECK(read.text(response.headOffset + response.textOffset, response.textLength) == "Not Found");
  CHECK(response.connectionOffset == request.connectionOffset);
  CHECK(response.connectionOffset % 8 == 0);
  Connection connection;
  std::memcpy(&connection, read.at(response.connectionOffset), sizeof connection);
  CHECK(connection.id == 7);
  CHECK(connection.clientPort == 40000);
  CHECK(connection.serverPort == 80);
  CHECK(connection.handshakeSeen == 1);
}

TEST_CASE("delivery: heads beyond 64 KiB have wide tables") {
  Fixture f;
  f.send(0, "GET /" + std::string(70000, 'a') + " HTTP/1.1\r\nHost: far\r\n\r\n");
  f.outbox.flush();
  const auto batch = f.mailbox.take();
  const Read read(*batch);
  const Record record = read.record(0);
  CHECK((record.flags & http::flag::wideOffsets) != 0);
  uint32_t host[4];
  std::memcpy(host, read.at(record.headersOffset), sizeof host);
  CHECK(read.text(record.headOffset + host[2], host[3] - host[2]) == "far");
}

TEST_CASE("delivery: large bodies get a buffer of their own") {
  Fixture f;
  const std::string body(100000, 'b');
  f.send(0, "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
  f.send(0, body);
  f.outbox.flush();
  const auto batch = f.mailbox.take();
  const Record record = Read(*batch).record(0);
  REQUIRE(batch->bodies.size() == 1);
  CHECK(record.bodyBuffer == 1);
  CHECK(record.bodyKeptLength == 100000);
  CHECK(std::string(reinterpret_cast<const char*>(batch->bodies[0].data()), batch->bodies[0].size()) == body);
  CHECK(f.stats.http_pendingBytes == 0);
}

TEST_CASE("delivery: batches stay small") {
  Fixture f;
  for (int i = 0; i < 1000; i++) f.send(0, "GET / HTTP/1.1\r\n\r\n");
  f.outbox.flush();
  size_t messages = 0;
  while (const auto batch = f.mailbox.take()) {
    CHECK(batch->records.size() <= 256);
    messages += batch->records.size();
  }
  CHECK(messages == 1000);
  CHECK(f.rings == 4);
}

TEST_CASE("delivery: flushing when idle waits while there is something to take") {
  Fixture f;
  f.outbox.flushIfIdle();
  CHECK(f.rings == 0);
  f.send(0, "GET / HTTP/1.1\r\n\r\n");
  f.outbox.flushIfIdle();
  CHECK(f.rings == 1);
  f.send(0, "GET / HTTP/1.1\r\n\r\n");
  f.outbox.flushIfIdle();
  CHECK(f.rings == 1);
  CHECK(f.mailbox.take()->records.size() == 1);
  f.outbox.flushIfIdle();
  CHECK(f.rings == 2);
}

TEST_CASE("delivery: a full mailbox drops whole messages, which leave a jump in the ids") {
  Fixture f(WhenFull::drop, 1);
  for (int i = 0; i < 1000; i++) f.send(0, "GET / HTTP/1.1\r\n\r\n");
  // One batch is in the mailbox, one is full, the rest was dropped.
  CHECK(f.stats.delivery_messagesDelivered == 512);
  CHECK(f.stats.delivery_messagesDropped == 488);
  CHECK(f.mailbox.take()->records.as<Record>().back().id == 256);
  f.send(0, "GET / HTTP/1.1\r\n\r\n");
  CHECK(f.mailbox.take()->records.as<Record>().back().id == 512);
  f.outbox.flush();
  CHECK(f.mailbox.take()->records.as<Record>().front().id == 1001);
}

TEST_CASE("delivery: a producer that waits for room goes on when there is, and when the mailbox closes") {
  Fixture f(WhenFull::wait, 1);
  std::thread producer([&f] {
    for (int i = 0; i < 3000; i++) f.send(0, "GET / HTTP/1.1\r\n\r\n");
  });
  double last = 0;
  for (int batches = 0; batches < 5;) {
    auto batch = f.mailbox.take();
    if (batch == nullptr) {
      std::this_thread::yield();
      continue;
    }
    batches++;
    CHECK(batch->records.as<Record>().front().id == last + 1);
    last = batch->records.as<Record>().back().id;
    f.mailbox.recycle(std::move(batch));
  }
  f.mailbox.close();
  producer.join();
  CHECK(f.stats.delivery_messagesDropped > 0);
  CHECK(f.stats.delivery_messagesDropped + f.stats.delivery_messagesDelivered == 3000);
}
