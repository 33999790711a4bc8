#include "session/session.h"

#include <chrono>

namespace flowtap::session {

namespace {

/// How long the source may wait for packets before time is made to go on: bounds how late idle connections expire.
constexpr int pauseMs = 250;
/// Bounds how long stop() goes on reading under traffic that does not pause.
constexpr int64_t drainLimitNs = 1'000'000'000;
/// Asking the kernel for its counters is a system call: not for each burst.
constexpr unsigned burstsPerCounterUpdate = 16;

int64_t wallClockNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Session::Session(const SessionOptions& options, std::unique_ptr<source::PacketSource> source, Doorbell& doorbell)
    : live_(options.live),
      lowLatency_(options.lowLatency),
      deliveryDelayMs_(options.deliveryDelayMs),
      doorbell_(doorbell),
      mailbox_(options.maxQueuedBytes),
      source_(std::move(source)),
      pipeline_(std::make_unique<Pipeline>(options.pipeline, mailbox_, [this] { announce(); })),
      thread_([this] { run(); }) {}

Session::~Session() { close(); }

void Session::run() {
  if (source_->open()) {
    learnInfo();
    enter(Phase::capturing);
    capture();
  } else {
    std::lock_guard lock(mutex_);
    state_.error = source_->error();
  }
  pipeline_->finish();
  publishStats(true);
  enter(Phase::ended);
}

void Session::capture() {
  unsigned bursts = 0;
  bool infoComplete = false;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const source::ReadStatus status = source_->read(*pipeline_, pauseMs);
    // A stream knows its link type only when it has read the header.
    if (!live_ && !infoComplete) {
      learnInfo();
      infoComplete = !source_->info().linkType.empty();
    }
    if (status == source::ReadStatus::end) return;
    if (status == source::ReadStatus::failed) {
      std::lock_guard lock(mutex_);
      state_.error = source_->error();
      return;
    }
    // Packet time rules while packets come; a silent interface must not stop the clocks.
    const int64_t now = status == source::ReadStatus::idle && live_ ? wallClockNs() : pipeline_->packetTimeNs();
    if (lowLatency_ || status != source::ReadStatus::packets)
      pipeline_->pause(now);
    else
      pipeline_->advance(now);
    publishStats(++bursts % burstsPerCounterUpdate == 0 || status == source::ReadStatus::idle);
  }
  if (live_) drainLive();
}

/// What was on the wire before stop() may still sit in the kernel.
void Session::drainLive() {
  const int64_t stoppedNs = wallClockNs();
  const int64_t giveUpNs = stoppedNs + drainLimitNs;
  while (!closing_.load(std::memory_order_relaxed) && pipeline_->packetTimeNs() < stoppedNs &&
         wallClockNs() < giveUpNs) {
    const source::ReadStatus status = source_->read(*pipeline_, 2 * deliveryDelayMs_ + 5);
    if (status == source::ReadStatus::failed) {
      std::lock_guard lock(mutex_);
      state_.error = source_->error();
    }
    if (status != source::ReadStatus::packets && status != source::ReadStatus::interrupted) return;
  }
}

void Session::learnInfo() {
  std::lock_guard lock(mutex_);
  state_.info = source_->info();
  state_.hasInfo = true;
}

void Session::enter(Phase phase) {
  {
    std::lock_guard lock(mutex_);
    state_.phase = phase;
    stateIsNew_ = true;
  }
  announce();
}

void Session::publishStats(bool withSource) {
  Stats& stats = pipeline_->stats();
  if (withSource) {
    const source::SourceCounters counters = source_->counters();
    stats.packets_kernelReceived = counters.kernelReceived;
    stats.packets_kernelDropped = counters.kernelDropped;
    stats.packets_interfaceDropped = counters.interfaceDropped;
    stats.packets_filteredOut = counters.filteredOut;
  }
  std::lock_guard lock(mutex_);
  stats_ = stats;
}

void Session::announce() {
  {
    std::lock_guard lock(mutex_);
    if (!parked_) return;
    parked_ = false;
  }
  doorbell_.ring();
}

void Session::news() {
  {
    std::lock_guard lock(mutex_);
    stateIsNew_ = true;
  }
  announce();
}

bool Session::park() {
  // The batch is put before announce() asks whether somebody is parked, and looked for here under the same lock: no
  // ring is missed.
  std::lock_guard lock(mutex_);
  if (stateIsNew_ || !mailbox_.empty()) return false;
  parked_ = true;
  return true;
}

State Session::state() {
  std::lock_guard lock(mutex_);
  stateIsNew_ = false;
  return state_;
}

void Session::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (source_ != nullptr) source_->wake();
}

void Session::close() {
  closing_.store(true, std::memory_order_relaxed);
  stop();
  mailbox_.close();
  if (thread_.joinable()) thread_.join();
  // The object may live on for long; the buffers need not.
  pipeline_.reset();
  source_.reset();
}

Stats Session::stats() {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace flowtap::session
