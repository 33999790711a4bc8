// Batches as text.
#include "text/text_writer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "test/delivery_fixture.h"

using namespace flowtap;
using namespace flowtap::test;

namespace {

const std::string get = "GET /a HTTP/1.1\r\nHost: example.test\r\n\r\n";
std::string answer(const std::string& body, const std::string& field = "") {
  return "HTTP/1.1 200 OK\r\n" + field + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Written {
  std::string text;
  uint32_t next;
};

Written write(text::TextWriter& writer, const BatchReader& batch, uint32_t from = 0, uint32_t to = UINT32_MAX) {
  text::TextBuffer out;
  const uint32_t next = writer.append(out, batch, from, to);
  return {{reinterpret_cast<const char*>(out.data()), out.size()}, next};
}

void pass(text::TextWriter& writer, const BatchReader& batch) {
  text::TextBuffer ignored;
  writer.pass(ignored, batch);
}

/// A request at 1 ns and its response `waitNs` later.
std::unique_ptr<Batch> exchanged(DeliveryFixture& fixture, const std::string& response, int64_t waitNs = 1000) {
  fixture.send(0, get, 1);
  fixture.send(1, response, 1 + waitNs);
  fixture.outbox.flush();
  return fixture.mailbox.take();
}

const std::string heading = "1970-01-01T00:00:00.000000Z  0.0.0.0:40000 -> 0.0.0.0:80  #1\n";

}  // namespace

TEST_CASE("text: blocks") {
  DeliveryFixture fixture;
  const auto batch = exchanged(fixture, answer("{\"a\":1}\r\n\tb"), 2'500'000);
  text::TextWriter writer(text::Form::blocks, false);
  const Written all = write(writer, BatchReader(*batch));
  CHECK(all.next == 2);
  CHECK(all.text == heading +
                        "GET /a HTTP/1.1\nHost: example.test\n\n"
                        "1970-01-01T00:00:00.002500Z  0.0.0.0:40000 <- 0.0.0.0:80  #2 answers #1 after 2.5 ms\n"
                        "HTTP/1.1 200 OK\nContent-Length: 11\n\n{\"a\":1}\n\tb\n\n");
  CHECK(writer.tally().requests == 1);
  CHECK(writer.tally().responses == 1);
  CHECK(writer.tally().incomplete == 0);
}

TEST_CASE("text: a batch that crossed gives the same") {
  DeliveryFixture fixture;
  const std::string response = answer(std::string(100'000, 'x'));
  fixture.send(0, get);
  fixture.send(1, response.substr(0, 1000));
  fixture.send(1, response.substr(1000));
  fixture.outbox.flush();
  const auto batch = fixture.mailbox.take();
  REQUIRE(batch->bodies.size() == 1);
  const ReadBatch crossed(*batch);
  for (const text::Form form : {text::Form::lines, text::Form::blocks}) {
    text::TextWriter one(form, false);
    text::TextWriter other(form, false);
    const Written own = write(one, BatchReader(*batch));
    const BatchReader reader({crossed.at(0), batch->bufferSize()},
                             {{batch->bodies[0].data(), batch->bodies[0].size()}});
    const Written same = write(other, reader);
    CHECK(own.next == 2);
    CHECK(own.text == same.text);
    CHECK(own.text.find(std::string(100'000, 'x')) != std::string::npos);
  }
}

TEST_CASE("text: what is not written natively, and how it goes on behind that") {
  for (const auto& [response, why] : std::vector<std::pair<std::string, const char*>>{
           {answer("x", "Content-Encoding: gzip\r\n"), "content coding"},
           {answer("a\x1b[1m"), "control character"},
           {answer("\xc3\xbc"), "not ASCII"},
           {answer("a\r"), "carriage return"},
           {answer("", "X: a\r\n b\r\n"), "folded"},
       }) {
    CAPTURE(why);
    DeliveryFixture fixture;
    fixture.send(0, get + get, 1);
    fixture.send(1, response + answer("later"), 3000);
    fixture.outbox.flush();
    const auto batch = fixture.mailbox.take();
    const BatchReader reader(*batch);
    text::TextWriter writer(text::Form::blocks, false);
    const Written before = write(writer, reader);
    CHECK(before.next == 2);
    CHECK(before.text.find(" <- ") == std::string::npos);
    CHECK(writer.asked().known);
    CHECK(writer.asked().startNs == 1);
    const Written behind = write(writer, reader, 3);
    CHECK(behind.next == 4);
    CHECK(behind.text.find("#4 answers #2 after 3 us\n") != std::string::npos);
    CHECK(behind.text.find("later") != std::string::npos);
  }
}

TEST_CASE("text: a request is remembered over batches until it is answered or will not be") {
  DeliveryFixture fixture;
  text::TextWriter writer(text::Form::blocks, false);
  fixture.send(0, get, 1);
  fixture.outbox.flush();
  const auto first = fixture.mailbox.take();
  CHECK(write(writer, BatchReader(*first)).next == 1);
  pass(writer, BatchReader(*first));
  SUBCASE("answered") {
    fixture.send(1, "HTTP/1.1 100 Continue\r\n\r\n" + answer(""), 5001);
    fixture.outbox.flush();
    const auto second = fixture.mailbox.take();
    const std::string text = write(writer, BatchReader(*second)).text;
    CHECK(text.find("#2 answers #1 after 5 us\n") != std::string::npos);
    CHECK(text.find("#3 answers #1 after 5 us\n") != std::string::npos);
    CHECK(write(writer, BatchReader(*second), 1).text.find("#3 answers #1\n") != std::string::npos);
  }
  SUBCASE("not answered") {
    fixture.handler.close(fixture.info, fixture.state, tcp::CloseReason::reset, 2);
    fixture.outbox.flush();
    const auto second = fixture.mailbox.take();
    CHECK(BatchReader(*second).continuationCount() == 1);
    pass(writer, BatchReader(*second));
    DeliveryFixture another;
    const auto later = exchanged(another, answer(""));
    CHECK(write(writer, BatchReader(*later), 1).text.find("#2 answers #1\n") != std::string::npos);
  }
}

TEST_CASE("text: where waiting requests are kept") {
  text::WaitingRequests waiting;
  int64_t startNs = 0;
  CHECK_FALSE(waiting.find(1, startNs));
  waiting.remove(1);
  for (uint64_t id = 1; id <= 100'000; id++) waiting.add(id, static_cast<int64_t>(id) * 10);
  for (uint64_t id = 1; id <= 100'000; id++) {
    REQUIRE(waiting.find(id, startNs));
    REQUIRE(startNs == static_cast<int64_t>(id) * 10);
  }
  waiting.remove(5);
  CHECK_FALSE(waiting.find(5, startNs));
  CHECK(waiting.find(6, startNs));
  // Far behind each other: the memory is bounded, and the newer one is known.
  waiting.add(6 + (uint64_t{1} << 30), 7);
  CHECK(waiting.find(6 + (uint64_t{1} << 30), startNs));
  CHECK_FALSE(waiting.find(6, startNs));
}

TEST_CASE("text: a batch whose offsets are wrong is never read beyond its end") {
  DeliveryFixture fixture;
  fixture.send(0, get + get, 1);
  fixture.send(
      1, answer("hello") + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nSum: 1\r\n\r\n", 2);
  fixture.outbox.flush();
  const auto batch = fixture.mailbox.take();
  std::vector<uint8_t> whole(batch->bufferSize());
  batch->write(whole.data());
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; round++) {
    std::vector<uint8_t> damaged = whole;
    for (int i = 0; i < 3; i++) {
      const size_t at = random() % damaged.size();
      const auto kind = random() % 3;
      damaged[at] = static_cast<uint8_t>(kind == 0 ? 0xffu : kind == 1 ? damaged[at] + 1u : random());
    }
    if (round % 16 == 0) damaged.resize(random() % damaged.size());
    const BatchReader reader({damaged.data(), damaged.size()}, {});
    for (const text::Form form : {text::Form::lines, text::Form::blocks, text::Form::rows}) {
      text::TextWriter writer(form, false);
      for (uint32_t next = 0; next < std::min(reader.recordCount(), 100u); next++)
        next = write(writer, reader, next).next;
      pass(writer, reader);
    }
  }
}

TEST_CASE("text: durations as JavaScript rounds and writes them") {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0 us"},
      {499, "0 us"},
      {500, "1 us"},
      {-500, "0 us"},
      {-501, "-1 us"},
      {999'499, "999 us"},
      {999'500, "1 ms"},
      {2'549'999, "2.6 ms"},
      {2'540'000, "2.5 ms"},
      {-2'550'000, "-2.5 ms"},
      {999'949'000, "999.9 ms"},
      {999'950'000, "1 s"},
      {12'345'678'901, "12.35 s"},
      {12'300'000'000, "12.3 s"},
      {3'600'000'000'000, "3600 s"},
  };
  for (const auto& [ns, want] : cases) {
    DeliveryFixture fixture;
    const auto batch = exchanged(fixture, answer(""), ns);
    text::TextWriter writer(text::Form::blocks, false);
    const std::string text = write(writer, BatchReader(*batch)).text;
    CHECK(text.find(std::string(" after ") + want + "\n") != std::string::npos);
  }
}

TEST_CASE("text: rows of exchanges, answered, not answered, and answers to nothing") {
  DeliveryFixture fixture;
  const std::string waits = "POST /later HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
  fixture.send(0, get, 1000);
  fixture.send(1, "HTTP/1.1 100 Continue\r\n\r\n" + answer("hello"), 4000);
  fixture.send(0, waits, 5000);
  fixture.handler.close(fixture.info, fixture.state, tcp::CloseReason::reset, 6000);
  fixture.outbox.flush();
  const auto batch = fixture.mailbox.take();
  const BatchReader reader(*batch);
  text::TextWriter writer(text::Form::rows, false);
  text::TextBuffer out;
  CHECK(writer.append(out, reader, 0, UINT32_MAX) == reader.recordCount());
  writer.pass(out, reader);
  CHECK(writer.tally().exchanges == 2);
  CHECK(writer.tally().requests == 2);
  CHECK(writer.tally().responses == 2);

  text::ExchangeRow row;
  size_t at = 0;
  const auto next = [&]() {
    REQUIRE(out.size() >= at + sizeof row);
    std::memcpy(&row, out.data() + at, sizeof row);
    const size_t length = size_t{row.methodLength} + row.targetLength + row.hostLength + row.serverLength;
    REQUIRE(out.size() >= at + sizeof row + length);
    std::string words(reinterpret_cast<const char*>(out.data()) + at + sizeof row, length);
    at += sizeof row + ((length + 7) & ~size_t{7});
    return words;
  };
  CHECK(next() == "GET/aexample.test0.0.0.0:80");
  CHECK(row.startNs == 1000);
  CHECK(row.status == 200);
  CHECK(row.waitNs == 3000);
  CHECK(row.totalNs == 3000);
  CHECK(row.requestBytes == static_cast<double>(get.size()));
  CHECK(row.responseBytes == static_cast<double>(answer("hello").size()));
  CHECK(next() == "POST/later0.0.0.0:80");
  CHECK(row.status == 0);
  CHECK(row.hasRequest == 1);
  CHECK(std::isnan(row.waitNs));
  CHECK(row.requestBytes == static_cast<double>(waits.size()));
  CHECK(at == out.size());

  // Behind a writer that has not seen the request.
  text::TextWriter late(text::Form::rows, false);
  text::TextBuffer lateOut;
  late.append(lateOut, reader, 2, 3);
  std::memcpy(&row, lateOut.data(), sizeof row);
  CHECK(row.hasRequest == 0);
  CHECK(row.startNs == 4000);
  CHECK(row.methodLength + row.targetLength + row.hostLength == 0);
}
