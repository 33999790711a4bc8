// What fuzzing found: traffic that nobody sends by accident.
#include <doctest/doctest.h>

#include "tcp_recorder.h"

using namespace flowtap;
using namespace flowtap::tcp;
using namespace flowtap::tcp::testing;

TEST_CASE("a RST that waits does not keep full memory busy for ever") {
  ReassemblyOptions options;
  options.maxBufferedBytes = 0;
  Bench bench(options);
  bench.handshake();
  bench.send(0, "GET ", 0, 0);
  // It overtook 96 bytes, so it waits; then comes more than there is room for, of the same connection.
  bench.send(0, "", 100, 0, rst | ack);
  CHECK(bench.stats.tcp_resets == 1);
  bench.send(0, std::string(1000, 'x'), 50, 0);
  bench.finish();
  const Told& told = bench.connection();
  CHECK(told.closed);
  CHECK(told.reason == CloseReason::reset);
  CHECK(told.bytes[0].substr(0, 4) == "GET ");
}

TEST_CASE("memory that is full of one connection's own bytes does not look like a RST") {
  ReassemblyOptions options;
  options.maxBufferedBytes = 8192;
  options.maxBufferedBytesPerDirection = 8192;
  Bench bench(options);
  bench.handshake();
  // Segment after segment behind a hole, more than fits: holes are given up, the connection goes on.
  for (int i = 0; i < 20; ++i) bench.send(0, std::string(1000, static_cast<char>('a' + i)), 1000 + 2000 * i, 0);
  CHECK(!bench.connection().closed);
  CHECK(bench.stats.tcp_gaps > 0);
  bench.send(0, std::string(10, 'z'), 39'000 + 1000, 0);
  bench.finish();
  CHECK(bench.connection().reason == CloseReason::ended);
  CHECK(bench.stats.tcp_payloadBytes == 20'010);
  CHECK(bench.stats.tcp_deliveredBytes == 20'010);
  CHECK(bench.stats.tcp_missingBytes == 20'000);
}
