// One capture: a source, a pipeline, and the thread that runs them. Knows nothing of JavaScript.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "delivery/mailbox.h"
#include "pipeline.h"
#include "session/doorbell.h"
#include "source/packet_source.h"

namespace flowtap::session {

enum class Phase : uint8_t { opening, capturing, ended };

struct State {
  Phase phase = Phase::opening;
  bool hasInfo = false;
  source::SourceInfo info;
  source::Error error;  ///< why it ended, unless it was the end of the input or stop()
};

struct SessionOptions {
  PipelineOptions pipeline;
  size_t maxQueuedBytes = 16u << 20;
  bool live = false;  ///< time goes on while no packets come
  /// Hand over what is finished after each read, if the consumer has nothing else; otherwise when a batch is full or
  /// the source pauses.
  bool lowLatency = true;
  /// Live: how long the kernel may sit on packets that it has captured. After stop() they are still waited for.
  int deliveryDelayMs = 10;
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
  /// Asks for one ring of the doorbell when there is something new: a batch, or a change of phase, or news(). False,
  /// and nothing asked, when there is something already.
  bool park();
  /// Tells the state; it is not new any more.
  State state();
  /// Any thread: something outside of the session is new to the consumer.
  void news();
  /// Ends capturing; what was captured is finished and can be taken.
  void stop();
  /// Ends everything and joins the thread.
  void close();
  Stats stats();

 private:
  void run();
  void capture();
  void learnInfo();
  void drainLive();
  void enter(Phase phase);
  void publishStats(bool withSource);
  void announce();

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

  std::thread thread_;
};

}  // namespace flowtap::session
