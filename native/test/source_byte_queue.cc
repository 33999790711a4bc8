// Bytes handed from one thread to another.
#include <atomic>
#include <thread>

#include "source/byte_queue.h"
#include "source_fixture.h"

namespace flowtap::source {
namespace {

using Result = ByteQueue::Result;

TEST_CASE("bytes come out in order, whatever the sizes") {
  ByteQueue queue(1000);
  Buffer out(1000);
  size_t length;
  CHECK(queue.read(out.data(), out.size(), length, 0) == Result::timeout);
  queue.push(sequence(10).data(), 10);
  queue.push(nullptr, 0);
  queue.push(sequence(20, 10).data(), 20);
  CHECK(queue.read(out.data(), 7, length, 0) == Result::bytes);
  CHECK(length == 7);
  CHECK(queue.read(out.data() + 7, 900, length, 0) == Result::bytes);
  CHECK(length == 23);
  CHECK(Buffer(out.begin(), out.begin() + 30) == sequence(30));
  CHECK(queue.read(out.data(), out.size(), length, 1) == Result::timeout);
  queue.push(sequence(3).data(), 3);
  queue.end();
  CHECK(queue.read(out.data(), out.size(), length, -1) == Result::bytes);
  CHECK(queue.read(out.data(), out.size(), length, -1) == Result::end);
  CHECK(queue.read(out.data(), out.size(), length, -1) == Result::end);
}

TEST_CASE("push tells when to wait, and the drain is told once") {
  ByteQueue queue(100);
  int drains = 0;
  queue.onDrain([&] { drains++; });
  Buffer out(1000);
  size_t length;
  CHECK(queue.push(sequence(100).data(), 100));
  CHECK_FALSE(queue.push(sequence(1).data(), 1));
  CHECK_FALSE(queue.push(sequence(20).data(), 20));
  CHECK(queue.read(out.data(), 71, length, 0) == Result::bytes);
  CHECK(drains == 0);
  CHECK(queue.read(out.data(), 1, length, 0) == Result::bytes);
  CHECK(drains == 1);
  CHECK(queue.read(out.data(), 1000, length, 0) == Result::bytes);
  CHECK(drains == 1);
  // Never above the mark: nobody waits.
  CHECK(queue.push(sequence(90).data(), 90));
  CHECK(queue.read(out.data(), 1000, length, 0) == Result::bytes);
  CHECK(drains == 1);
}

TEST_CASE("wake comes before bytes, and once") {
  ByteQueue queue;
  Buffer out(10);
  size_t length;
  queue.push(sequence(1).data(), 1);
  queue.wake();
  queue.wake();
  CHECK(queue.read(out.data(), 10, length, -1) == Result::interrupted);
  CHECK(queue.read(out.data(), 10, length, -1) == Result::bytes);
}

TEST_CASE("a blocked reader sees bytes, wake and end of another thread") {
  ByteQueue queue(1 << 16);
  constexpr size_t total = 4 << 20;
  std::atomic<bool> mayPush{true};
  queue.onDrain([&] {
    mayPush = true;
    mayPush.notify_one();
  });
  std::thread producer([&] {
    for (size_t at = 0; at < total; at += 4096) {
      const Buffer chunk = sequence(4096, static_cast<uint8_t>(at / 4096));
      mayPush.wait(false);
      mayPush = false;
      if (queue.push(chunk.data(), chunk.size())) mayPush = true;
      if (at == total / 2) queue.wake();
    }
    queue.end();
  });
  Buffer out(10000);
  size_t got = 0;
  size_t wrong = 0;
  size_t wakes = 0;
  for (;;) {
    size_t length;
    const Result result = queue.read(out.data(), out.size(), length, -1);
    if (result == Result::end) break;
    if (result == Result::interrupted) wakes++;
    for (size_t i = 0; i < length; i++, got++) wrong += out[i] != static_cast<uint8_t>(got / 4096 + got % 4096);
  }
  producer.join();
  CHECK(got == total);
  CHECK(wrong == 0);
  CHECK(wakes == 1);
}

}  // namespace
}  // namespace flowtap::source
