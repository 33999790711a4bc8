#include "session/session.h"

#include <chrono>

namespace flowtap::session {

namespace {

/// How long the source may wait for packets before time is made to go on: bounds how late idle connections expire.
constexpr int pauseMs = 250;
/// Asking the kernel for its counters is a system call: not for each burst.
constexpr unsigned burstsPerCounterUpdate = 16;

int64_t wallClockNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Session::Session(const SessionOptions& options, std::unique_ptr<source::PacketSource> source, Doorbell& doorbell)
    : live_(options.live),
      doorbell_(doorbell),
      mailbox_(options.maxQueuedBytes),
      source_(std::move(source)),
      pipeline_(options.pipeline, mailbox_, [this] { announce(); }),
      thread_([this] { run(); }) {}

Session::~Session() { close(); }

void Session::run() {
  if (source_->open()) {
    {
      std::lock_guard lock(mutex_);
      state_.info = source_->info();
      state_.hasInfo = true;
    }
    enter(Phase::capturing);
    capture();
  } else {
    std::lock_guard lock(mutex_);
    state_.error = source_->error();
  }
  pipeline_.finish();
  publishStats(true);
  enter(Phase::ended);
}

void Session::capture() {
  unsigned bursts = 0;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const source::ReadStatus status = source_->read(pipeline_, pauseMs);
    if (status == source::ReadStatus::end) return;
    if (status == source::ReadStatus::failed) {
      std::lock_guard lock(mutex_);
      state_.error = source_->error();
      return;
    }
    // Packet time rules while packets come; a silent interface must not stop the clocks.
    const int64_t now = status == source::ReadStatus::idle && live_ ? wallClockNs() : pipeline_.packetTimeNs();
    pipeline_.pause(now);
    publishStats(status == source::ReadStatus::idle || ++bursts % burstsPerCounterUpdate == 0);
  }
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
  Stats& stats = pipeline_.stats();
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
  // The batch is put before announce() asks whether somebody is parked, and looked for here under the same lock: no ring is missed.
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
  source_->wake();
}

void Session::close() {
  stop();
  mailbox_.close();
  if (thread_.joinable()) thread_.join();
}

Stats Session::stats() {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace flowtap::session
