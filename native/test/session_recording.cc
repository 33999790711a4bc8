// Recording packets on the capture thread while the consumer decides. Runs under ThreadSanitizer too.
#include <atomic>
#include <memory>
#include <thread>

#include "conversation.h"
#include "recording_fixture.h"
#include "session/session.h"
#include "session_fixture.h"

using namespace flowtap;
using namespace flowtap::session;
using recording::test::Folder;
using recording::test::packetsOf;

namespace {

constexpr uint16_t firstPort = 2000;

/// Conversations of one request, a read each.
class Conversations final : public source::PacketSource {
 public:
  explicit Conversations(uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
      conversations_.emplace_back(static_cast<uint16_t>(firstPort + i));
      conversations_.back().client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      conversations_.back().finish();
    }
  }
  bool open() override { return true; }
  source::ReadStatus read(source::PacketSink& sink, int) override {
    if (next_ == conversations_.size()) return source::ReadStatus::end;
    std::vector<source::Packet> burst;
    for (const test::Bytes& bytes : conversations_[next_].packets())
      burst.push_back(test::packetOf(bytes, 1, static_cast<int64_t>(next_)));
    next_++;
    sink.packets(burst.data(), burst.size());
    return source::ReadStatus::packets;
  }
  void wake() override {}
  const source::SourceInfo& info() const override { return info_; }
  source::SourceCounters counters() override { return {}; }
  const source::Error& error() const override { return error_; }
  size_t packets() const { return conversations_.empty() ? 0 : conversations_.front().packets().size(); }

 private:
  std::vector<test::Conversation> conversations_;
  size_t next_ = 0;
  source::SourceInfo info_{.interface = "fake0", .linkType = "EN10MB", .filter = "", .snaplen = 1};
  source::Error error_;
};

struct Recording {
  explicit Recording(uint16_t count, const std::string& path = "") {
    auto source = std::make_unique<Conversations>(count);
    packetsEach = source->packets();
    SessionOptions options;
    options.maxQueuedBytes = 1;
    options.lowLatency = false;
    options.waitsForBegin = true;
    options.pipeline.recording = recording::RecordingOptions{
        {path.empty() ? folder.file() : path, false, "fake0", 0}, folder.path(), uint64_t{64} << 20};
    session = std::make_unique<Session>(options, std::move(source), bell);
  }
  /// Decides about every second message, until the session has ended. Gives the number of messages.
  uint64_t decideAll() {
    uint64_t messages = 0;
    for (;;) {
      const bool ended = session->state().phase == Phase::ended;
      bool took = false;
      while (auto batch = session->take()) {
        took = true;
        std::vector<uint64_t> wanted;
        uint64_t last = 0;
        for (const delivery::Record& record : batch->records.as<delivery::Record>()) {
          last = static_cast<uint64_t>(record.id);
          // One message a connection: their numbers are the same.
          if (last % 2 == 0) wanted.push_back(last);
        }
        messages += batch->records.size();
        session->recycle(std::move(batch));
        session->decide(wanted, last);
      }
      if (ended && !took) return messages;
      if (!took && session->park()) bell.wait(++parks);
    }
  }

  Folder folder;
  test::Bell bell;
  uint64_t parks = 0;
  size_t packetsEach = 0;
  std::unique_ptr<Session> session;
};

}  // namespace

TEST_CASE("session: ends when the consumer has decided about the last message, with a whole file") {
  Recording recording(2000);
  recording.session->begin(false, true);
  CHECK(recording.decideAll() == 2000);
  CHECK(recording.session->stats().write_packets == 1000 * recording.packetsEach);
  CHECK(recording.session->stats().write_packetsLetGo == 0);
  const auto packets = packetsOf(recording.folder.file());
  REQUIRE(packets.size() == 1000 * recording.packetsEach);
  for (size_t i = 0; i < packets.size(); i++)
    REQUIRE(packets[i].timestampNs == static_cast<int64_t>(1 + i / recording.packetsEach * 2));
}

TEST_CASE("session: close() does not wait for decisions") {
  Recording recording(3);
  recording.session->begin(false, true);
  while (recording.session->stats().packets_received < 3 * recording.packetsEach) std::this_thread::yield();
  recording.session->decide({1}, 1);
  recording.session->close();
  CHECK(packetsOf(recording.folder.file()).size() == recording.packetsEach);
  CHECK(recording.session->stats().write_packetsLetGo == 0);
}

TEST_CASE("session: a capture without packets waits until somebody asks for its file") {
  Recording recording(0);
  while (recording.session->state().phase == Phase::opening) std::this_thread::yield();
  recording.session->begin(false, false);
  CHECK(recording.decideAll() == 0);
  CHECK_FALSE(recording.session->state().error);
  CHECK(packetsOf(recording.folder.file()).empty());
  CHECK_FALSE(recording::test::contentsOf(recording.folder.file()).empty());
}

TEST_CASE("session: makes no file when nobody begins") {
  Recording recording(3);
  recording.session->stop();
  while (recording.session->state().phase != Phase::ended) std::this_thread::yield();
  recording.session->close();
  CHECK(recording::test::contentsOf(recording.folder.file()).empty());
}

TEST_CASE("session: a file that cannot be made is an error at the beginning") {
  Recording recording(3, "/nowhere/out.pcapng");
  recording.session->begin(false, false);
  CHECK(recording.decideAll() == 0);
  CHECK(recording.session->state().error.code == "ERR_FILE");
}
