// What follows the record of a message.
#include <doctest/doctest.h>

#include "test/delivery_fixture.h"

using namespace flowtap;
using namespace flowtap::delivery;

namespace {

http::HttpOptions streaming() {
  http::HttpOptions options;
  options.body = http::BodyMode::stream;
  return options;
}

bool is(const Continuation& continuation, ContinuationKind kind) {
  return continuation.kind == static_cast<uint8_t>(kind);
}

}  // namespace

TEST_CASE("delivery: a body that is streamed is one chunk a batch, and has an end") {
  test::DeliveryFixture f(WhenFull::wait, 16u << 20, streaming());
  f.send(0, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 1);
  f.outbox.flush();
  f.send(0, "2\r\ncd\r\n", 2);
  f.send(0, "1\r\ne\r\n", 3);
  f.outbox.flush();
  f.send(0, "0\r\nsum: 9\r\n\r\n", 4);
  f.outbox.flush();

  const test::ReadBatch head(*f.mailbox.take());
  REQUIRE(head.header.recordCount == 1);
  CHECK(head.header.continuationCount == 0);
  CHECK((head.record(0).flags & http::flag::streaming) != 0);
  CHECK(head.text(head.record(0).bodyOffset, head.record(0).bodyKeptLength) == "ab");

  const test::ReadBatch body(*f.mailbox.take());
  CHECK(body.header.recordCount == 0);
  REQUIRE(body.header.continuationCount == 1);
  const Continuation chunk = body.continuation(0);
  CHECK(is(chunk, ContinuationKind::body));
  CHECK(chunk.id == 1);
  CHECK(chunk.timeNs == 3);
  CHECK(body.text(chunk.bytesOffset, static_cast<uint32_t>(chunk.length)) == "cde");

  const test::ReadBatch rest(*f.mailbox.take());
  REQUIRE(rest.header.continuationCount == 1);
  const Continuation end = rest.continuation(0);
  CHECK(is(end, ContinuationKind::end));
  CHECK(end.timeNs == 4);
  CHECK(end.length == 5);
  REQUIRE(end.trailersCount == 1);
  uint16_t sum[4];
  std::memcpy(sum, rest.at(end.trailersOffset), sizeof sum);
  CHECK(rest.text(end.trailerOffset + sum[2], sum[3] - sum[2]) == "9");
}

TEST_CASE("delivery: what of a streamed body finds no room becomes a gap, and its end is told all the same") {
  test::DeliveryFixture f(WhenFull::drop, 1, streaming());
  const std::string block(300'000, 'x');
  f.send(0, "POST / HTTP/1.1\r\nContent-Length: 900000\r\n\r\n");
  f.send(0, block);
  f.send(0, block);  // the first batch goes, and the mailbox is full
  f.send(0, block.substr(1));
  f.send(0, "x");
  f.outbox.flush();

  const test::ReadBatch first(*f.mailbox.take());
  CHECK(first.continuation(0).length == 300'000);
  const test::ReadBatch second(*f.mailbox.take());
  REQUIRE(second.header.continuationCount == 3);
  CHECK(is(second.continuation(0), ContinuationKind::body));
  CHECK(is(second.continuation(1), ContinuationKind::gap));
  CHECK(second.continuation(1).length == 300'000);
  CHECK(second.continuation(1).reason == 1);
  CHECK(is(second.continuation(2), ContinuationKind::end));
  CHECK(second.continuation(2).length == 900'000);
  CHECK(f.stats.http_bodyBytesCut == 300'000);
}

TEST_CASE("delivery: a request without a response is told") {
  test::DeliveryFixture f;
  f.send(0, "GET / HTTP/1.1\r\n\r\n");
  f.handler.close(f.info, f.state, tcp::CloseReason::reset, 9);
  f.outbox.flush();
  const test::ReadBatch read(*f.mailbox.take());
  REQUIRE(read.header.continuationCount == 1);
  const Continuation told = read.continuation(0);
  CHECK(is(told, ContinuationKind::unanswered));
  CHECK(told.id == 1);
  CHECK(told.timeNs == 9);
  CHECK(told.reason == static_cast<uint8_t>(http::NoResponse::reset));
}
