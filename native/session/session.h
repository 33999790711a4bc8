// One capture: a source, a pipeline, and the thread that runs them. Knows nothing of JavaScript.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "delivery/mailbox.h"
#include "pipeline.h"
#include "session/doorbell.h"
#include "source/packet_source.h"

namespace flowtap::session {

enum class Phase : uint8_t {
  opening,  ///< until the link type is known
  capturing,
  ended,
};

struct State {
  Phase phase = Phase::opening;
  bool hasInfo = false;  ///< from `capturing` on; also when the input ended as it should without a link type
  source::SourceInfo info;
  uint64_t recordings = 0;          ///< files with recorded packets
  uint64_t finishedRecordings = 0;  ///< of them, those that are complete
  source::Error recordingError;     ///< why packets are not recorded any more; the rest goes on
  source::Error error;              ///< why it ended, unless it was the end of the input or stop()
  std::vector<decode::LinkTypeCount> unsupportedLinkTypes;
};

struct SessionOptions {
  PipelineOptions pipeline;
  size_t maxQueuedBytes = 16u << 20;
  bool live = false;  ///< time goes on while no packets come
  /// Hand over what is finished after each read, if the consumer has nothing else; otherwise when a few batches are
  /// full or the source pauses.
  bool lowLatency = true;
  /// Live: how long the kernel may sit on packets that it has captured. After stop() they are still waited for.
  int deliveryDelayMs = 5;
  /// Packets are read, but not looked at before begin() has said what for. What comes until then waits in the source.
  bool waitsForBegin = false;
  http::SelectionOptions exchanges;  ///< instead of pipeline.http.selection, when begin() says so
};

/// Threads: everything here is for the consumer's thread; ring() comes from the capture thread.
class Session {
 public:
  /// Starts the thread. `doorbell` must outlive the session.
  Session(const SessionOptions& options, std::unique_ptr<source::PacketSource> source, Doorbell& doorbell);
  /// As close().
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::unique_ptr<delivery::Batch> take() { return mailbox_.take(); }
  void recycle(std::unique_ptr<delivery::Batch> batch) { mailbox_.recycle(std::move(batch)); }
  /// Asks for one ring of the doorbell when there is something new: a batch, or a change of phase, or news(), or the
  /// first packet of an unsupported link type. False,
  /// and nothing asked, when there is something already.
  bool park();
  /// Tells the state; it is not new any more.
  State state();
  /// Any thread: something outside of the session is new to the consumer.
  void news();
  /// See Pipeline::follow().
  void follow(std::shared_ptr<const decode::EndpointSet> endpoints);
  /// What the consumer wants: messages, or exchanges. With a recording: whether it selects among them, or wants all
  /// that it comes to. Again: nothing.
  void begin(bool exchanges, bool selects = false);
  /// With a recording. Connections with messages that the consumer has taken, and the last message that it has taken or
  /// passed over; at last of all that were delivered, for the session does not end before. Thrifty with locks: a call a
  /// batch.
  void decide(const std::vector<uint64_t>& connections, uint64_t upTo);
  /// Ends capturing; what was captured is finished and can be taken.
  void stop();
  /// Ends everything and joins the thread.
  void close();
  Stats stats();

 private:
  /// The pipeline, once the consumer has said what for.
  class Gate final : public source::PacketSink {
   public:
    explicit Gate(Session& session) : session_(session) {}
    void packets(const source::Packet* burst, size_t count) override;
    bool isOpen() const { return open_; }

   private:
    Session& session_;
    bool open_ = false;
    bool refused_ = false;
  };

  void run();
  void capture();
  void takeFollowed();
  void takeDecisions();
  bool beginRecording();
  void finishRecording();
  /// Capturing begins when the link type is known, or the input ended without one.
  void learnInfo(bool ended);
  void drainLive();
  void noteFailure();
  void enter(Phase phase);
  void publishStats(bool withSource);
  void handedOver();
  void announce();
  /// Until begin(), stop() or close(). False: there is nothing to do with the packets.
  bool awaitBegin();

  const bool live_;
  const bool lowLatency_;
  const int deliveryDelayMs_;
  Doorbell& doorbell_;
  delivery::Mailbox mailbox_;
  std::unique_ptr<source::PacketSource> source_;
  std::unique_ptr<Pipeline> pipeline_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> closing_{false};

  std::mutex mutex_;
  State state_;
  Stats stats_;
  bool stateIsNew_ = false;
  bool parked_ = false;
  bool begun_;
  bool wantsExchanges_ = false;
  const http::SelectionOptions exchanges_;
  std::condition_variable begin_;
  bool consumerSelects_ = false;
  std::vector<uint64_t> wanted_;  ///< connections, not yet with the recorder
  uint64_t decidedUpTo_ = 0;
  bool decisionIsNew_ = false;
  std::condition_variable decided_;
  std::shared_ptr<const decode::EndpointSet> followed_;  ///< not yet with the pipeline
  Gate gate_{*this};

  std::thread thread_;
};

}  // namespace flowtap::session
