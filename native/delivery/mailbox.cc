#include "delivery/mailbox.h"

namespace flowtap::delivery {

namespace {
constexpr size_t maxBlanks = 4;
/// A used batch whose arena grew beyond this is not kept.
constexpr size_t maxBlankBytes = 1u << 20;
}  // namespace

bool Mailbox::hasRoom() {
  std::lock_guard lock(mutex_);
  return batches_.empty() || bytes_ < maxBytes_ || closed_;
}

bool Mailbox::waitForRoom() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return closed_ || batches_.empty() || bytes_ < maxBytes_; });
  return !closed_;
}

size_t Mailbox::size() {
  std::lock_guard lock(mutex_);
  return batches_.size();
}

void Mailbox::put(std::unique_ptr<Batch> batch) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  bytes_ += batch->totalBytes();
  batches_.push_back(std::move(batch));
}

std::unique_ptr<Batch> Mailbox::blank() {
  std::unique_ptr<Batch> batch;
  {
    std::lock_guard lock(mutex_);
    if (!blanks_.empty()) {
      batch = std::move(blanks_.back());
      blanks_.pop_back();
    }
  }
  if (batch == nullptr) batch = std::make_unique<Batch>();
  batch->clear();
  return batch;
}

std::unique_ptr<Batch> Mailbox::take() {
  std::lock_guard lock(mutex_);
  if (batches_.empty()) return nullptr;
  std::unique_ptr<Batch> batch = std::move(batches_.front());
  batches_.pop_front();
  bytes_ -= batch->totalBytes();
  room_.notify_one();
  return batch;
}

void Mailbox::recycle(std::unique_ptr<Batch> batch) {
  if (batch->arena.capacity() > maxBlankBytes) return;
  batch->bodies.clear();
  std::lock_guard lock(mutex_);
  if (blanks_.size() < maxBlanks && !closed_) blanks_.push_back(std::move(batch));
}

void Mailbox::close() {
  std::deque<std::unique_ptr<Batch>> dropped;
  std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(batches_);
  blanks_.clear();
  bytes_ = 0;
  room_.notify_one();
}

}  // namespace flowtap::delivery
