#include "session/session.h"

#include <chrono>
#include <utility>

namespace flowtap::session {

namespace {

/// How long the source may wait for packets before time is made to go on: bounds how late idle connections expire.
constexpr int pauseMs = 250;
/// Bounds how long stop() goes on reading under traffic that does not pause.
constexpr int64_t drainLimitNs = 1'000'000'000;
/// Asking the kernel for its counters is a system call: not for each burst.
constexpr unsigned burstsPerCounterUpdate = 16;
/// A consumer that is faster than the file would spend more on being woken for each batch than on taking it.
constexpr size_t batchesPerRing = 4;

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
      pipeline_(std::make_unique<Pipeline>(options.pipeline, mailbox_, [this] { handedOver(); })),
      begun_(!options.waitsForBegin),
      exchanges_(options.exchanges),
      thread_([this] { run(); }) {}

Session::~Session() { close(); }

void Session::run() {
  if (source_->open())
    capture();
  else
    noteFailure();
  pipeline_->finish();
  announce();
  finishRecording();
  publishStats(true);
  enter(Phase::ended);
}

void Session::capture() {
  unsigned bursts = 0;
  learnInfo(false);
  while (!stopping_.load(std::memory_order_relaxed)) {
    takeFollowed();
    takeDecisions();
    const source::ReadStatus status = source_->read(gate_, pauseMs);
    learnInfo(status == source::ReadStatus::end);
    if (status == source::ReadStatus::end) return;
    if (status == source::ReadStatus::failed) return noteFailure();
    // Packet time rules while packets come; a silent interface must not stop the clocks.
    const int64_t now = status == source::ReadStatus::idle && live_ ? wallClockNs() : pipeline_->packetTimeNs();
    if (lowLatency_ || status != source::ReadStatus::packets) {
      pipeline_->pause(now);
      // With low latency nothing waits for a ring.
      if (!lowLatency_ && !mailbox_.empty()) announce();
    } else {
      pipeline_->advance(now);
    }
    publishStats(++bursts % burstsPerCounterUpdate == 0 || status == source::ReadStatus::idle);
  }
  if (live_) drainLive();
}

void Session::follow(std::shared_ptr<const decode::EndpointSet> endpoints) {
  if (source_ == nullptr) return;
  {
    std::lock_guard lock(mutex_);
    followed_ = std::move(endpoints);
  }
  source_->wake();
}

void Session::takeFollowed() {
  std::shared_ptr<const decode::EndpointSet> endpoints;
  {
    std::lock_guard lock(mutex_);
    endpoints.swap(followed_);
  }
  if (endpoints != nullptr) pipeline_->follow(std::move(endpoints));
}

/// What was on the wire before stop() may still sit in the kernel.
void Session::drainLive() {
  const int64_t stoppedNs = wallClockNs();
  const int64_t giveUpNs = stoppedNs + drainLimitNs;
  while (!closing_.load(std::memory_order_relaxed) && pipeline_->packetTimeNs() < stoppedNs &&
         wallClockNs() < giveUpNs) {
    const source::ReadStatus status = source_->read(gate_, 2 * deliveryDelayMs_ + 5);
    if (status == source::ReadStatus::failed) noteFailure();
    if (status != source::ReadStatus::packets && status != source::ReadStatus::interrupted) break;
  }
  takeFollowed();
}

void Session::Gate::packets(const source::Packet* burst, size_t count) {
  if (!open_) {
    open_ = true;
    refused_ = !session_.awaitBegin();
  }
  if (refused_) return;
  session_.pipeline_->packets(burst, count);
}

bool Session::awaitBegin() {
  learnInfo(false);
  {
    std::unique_lock lock(mutex_);
    begin_.wait(lock, [this] { return begun_ || stopping_.load(std::memory_order_relaxed); });
    if (wantsExchanges_) pipeline_->select(exchanges_);
    if (!begun_) return true;
  }
  return beginRecording();
}

void Session::begin(bool exchanges, bool selects) {
  {
    std::lock_guard lock(mutex_);
    if (begun_) return;
    begun_ = true;
    wantsExchanges_ = exchanges;
    consumerSelects_ = selects;
  }
  begin_.notify_one();
}

bool Session::beginRecording() {
  recording::Recorder* recorder = pipeline_->recorder();
  if (recorder == nullptr || recorder->open(consumerSelects_)) return true;
  // Who names a file that cannot be made should know at once. What fails later must not cost messages.
  std::lock_guard lock(mutex_);
  state_.error = recorder->error();
  stopping_.store(true, std::memory_order_relaxed);
  return false;
}

void Session::decide(const std::vector<uint64_t>& connections, uint64_t upTo) {
  {
    std::lock_guard lock(mutex_);
    wanted_.insert(wanted_.end(), connections.begin(), connections.end());
    decidedUpTo_ = upTo;
    decisionIsNew_ = true;
  }
  decided_.notify_one();
}

void Session::takeDecisions() {
  recording::Recorder* recorder = pipeline_->recorder();
  if (recorder == nullptr) return;
  std::vector<uint64_t> connections;
  uint64_t upTo;
  {
    std::lock_guard lock(mutex_);
    if (!decisionIsNew_) return;
    decisionIsNew_ = false;
    connections.swap(wanted_);
    upTo = decidedUpTo_;
  }
  recorder->decide(connections, upTo);
}

void Session::finishRecording() {
  recording::Recorder* recorder = pipeline_->recorder();
  if (recorder == nullptr) return;
  // A capture without packets leaves a file without packets, one that could not begin leaves none.
  if (!gate_.isOpen() && !state_.error) awaitBegin();
  takeDecisions();
  while (recorder->awaitsConsumer()) {
    {
      std::unique_lock lock(mutex_);
      decided_.wait(lock, [this] { return decisionIsNew_ || closing_.load(std::memory_order_relaxed); });
      if (!decisionIsNew_) break;
    }
    takeDecisions();
  }
  recorder->finish();
}

/// Who sends a stream may take its time: its link type comes with one of the reads.
void Session::learnInfo(bool ended) {
  if (state_.hasInfo || (source_->info().linkType.empty() && !ended)) return;
  {
    std::lock_guard lock(mutex_);
    state_.info = source_->info();
    state_.hasInfo = true;
  }
  enter(Phase::capturing);
}

void Session::noteFailure() {
  std::lock_guard lock(mutex_);
  state_.error = source_->error();
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
  bool firstUnsupported;
  bool recordingIsNew = false;
  {
    std::lock_guard lock(mutex_);
    stats_ = stats;
    firstUnsupported = state_.unsupportedLinkTypes.empty() && !pipeline_->unsupportedLinkTypes().empty();
    state_.unsupportedLinkTypes = pipeline_->unsupportedLinkTypes();
    if (const recording::Recorder* recorder = pipeline_->recorder(); recorder != nullptr) {
      recordingIsNew = recorder->finishedFiles() != state_.finishedRecordings;
      state_.recordings = recorder->files();
      state_.finishedRecordings = recorder->finishedFiles();
      if (recorder->error() && !state_.recordingError) {
        state_.recordingError = recorder->error();
        recordingIsNew = true;
      }
    }
  }
  if (firstUnsupported || recordingIsNew) news();
}

void Session::handedOver() {
  if (lowLatency_ || mailbox_.size() >= batchesPerRing || !mailbox_.hasRoom()) announce();
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
  {
    // Under the lock: whoever waits for begin() must not miss it.
    std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
  }
  begin_.notify_one();
  if (source_ != nullptr) source_->wake();
}

void Session::close() {
  closing_.store(true, std::memory_order_relaxed);
  stop();
  decided_.notify_one();
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
