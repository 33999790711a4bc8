#include <doctest/doctest.h>

#include <algorithm>

#include "recording/ledger.h"

using namespace flowtap::recording;

TEST_CASE("a connection waits until one of its messages is wanted, or none can be any more") {
  Ledger ledger;
  CHECK(ledger.verdict(1, 0) == Verdict::drop);
  ledger.open(1);
  CHECK(ledger.verdict(1, 0) == Verdict::wait);
  SUBCASE("wanted") {
    ledger.select(1);
    CHECK(ledger.verdict(1, 0) == Verdict::write);
    ledger.close(1);
    CHECK(ledger.verdict(1, 0) == Verdict::write);
  }
  SUBCASE("closed without") {
    ledger.close(1);
    CHECK(ledger.verdict(1, 0) == Verdict::drop);
  }
  SUBCASE("nothing more can come") {
    ledger.reject(1);
    CHECK(ledger.verdict(1, 0) == Verdict::drop);
  }
  SUBCASE("wanted before what came then could not be") {
    ledger.select(1);
    ledger.reject(1);
    CHECK(ledger.verdict(1, 0) == Verdict::write);
  }
}

TEST_CASE("where the consumer decides a closed connection waits for it") {
  Ledger ledger;
  ledger.open(1);
  ledger.open(2);
  ledger.expect(1, 5);
  ledger.expect(2, 6);
  ledger.close(1);
  ledger.close(2);
  CHECK(ledger.awaitsConsumer());
  CHECK(ledger.isWithConsumer(1));
  CHECK(ledger.verdict(1, 0) == Verdict::wait);
  ledger.decidedUpTo(5);
  CHECK(ledger.verdict(1, 0) == Verdict::drop);
  CHECK(ledger.verdict(2, 0) == Verdict::wait);
  CHECK(ledger.awaitsConsumer());
  ledger.select(2);
  ledger.decidedUpTo(6);
  CHECK(ledger.verdict(2, 0) == Verdict::write);
  CHECK_FALSE(ledger.awaitsConsumer());
}

TEST_CASE("what has a provisional key goes the way of what it turns out to belong to") {
  Ledger ledger;
  const Key outer = key::datagram(1);
  const Key inner = key::datagram(2);
  ledger.hold(outer, 0);
  ledger.hold(inner, 0);
  CHECK(ledger.verdict(outer, 0) == Verdict::wait);
  ledger.join(outer, inner);
  ledger.open(9);
  ledger.hold(9, 0);
  ledger.join(inner, 9);
  CHECK(ledger.verdict(outer, 0) == Verdict::wait);
  ledger.select(9);
  CHECK(ledger.verdict(outer, 0) == Verdict::write);
  CHECK(ledger.noteWritten(outer));
  CHECK_FALSE(ledger.noteWritten(9));
  SUBCASE("a connection is remembered as long as something that joined it waits") {
    ledger.close(9);
    for (Key key = 100; key < 101 + Ledger::closedRemembered; key++) {
      ledger.open(key);
      ledger.close(key);
    }
    ledger.release(9);
    CHECK(ledger.verdict(outer, 0) == Verdict::write);
    ledger.release(outer);
    CHECK(ledger.verdict(inner, 0) == Verdict::write);
    ledger.release(inner);
    CHECK(ledger.verdict(9, 0) == Verdict::drop);
    CHECK(ledger.size() == Ledger::closedRemembered);
  }
}

TEST_CASE("what belongs to nothing is not waited for long") {
  Ledger ledger;
  const Key held = key::held(1);
  ledger.hold(held, 1000);
  CHECK(ledger.verdict(held, 1000 + Ledger::provisionalNs) == Verdict::wait);
  CHECK(ledger.verdict(held, 1001 + Ledger::provisionalNs) == Verdict::drop);
  CHECK(ledger.verdict(held, 999 - Ledger::provisionalNs) == Verdict::drop);
  CHECK(ledger.verdict(held, INT64_MIN) == Verdict::drop);
  ledger.join(held, 0);
  CHECK(ledger.verdict(held, 1000) == Verdict::drop);
  ledger.release(held);
  CHECK(ledger.size() == 0);
  ledger.join(held, 1);
  CHECK(ledger.size() == 0);
}

TEST_CASE("memory does not grow with the connections that are over") {
  Ledger ledger;
  size_t most = 0;
  for (Key key = 1; key <= 2'000'000; key++) {
    ledger.open(key);
    ledger.hold(key, 0);
    if (key % 2 == 0) ledger.select(key);
    ledger.release(key);
    ledger.close(key);
    most = std::max(most, ledger.size());
  }
  CHECK(most <= Ledger::closedRemembered + 1);
}
