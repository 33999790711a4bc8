// Bytes of a ByteQueue.
#include <utility>

#include "source/byte_source.h"

namespace flowtap::source {

namespace {

class QueueBytes final : public ByteSource {
 public:
  explicit QueueBytes(std::shared_ptr<ByteQueue> queue) : queue_(std::move(queue)) {}

  bool open(Error&) override { return true; }
  bool isComplete() const override { return false; }
  std::string name() const override { return "the stream"; }

  Result read(uint8_t* into, size_t capacity, size_t& length, int timeoutMs, Error&) override {
    switch (queue_->read(into, capacity, length, timeoutMs)) {
      case ByteQueue::Result::bytes:
        return Result::bytes;
      case ByteQueue::Result::timeout:
        return Result::timeout;
      case ByteQueue::Result::interrupted:
        return Result::interrupted;
      case ByteQueue::Result::end:
        break;
    }
    return Result::end;
  }

  void wake() override { queue_->wake(); }
  bool takeWake() override {
    size_t none;
    return queue_->read(nullptr, 0, none, 0) == ByteQueue::Result::interrupted;
  }

 private:
  const std::shared_ptr<ByteQueue> queue_;
};

}  // namespace

std::unique_ptr<ByteSource> makeQueueBytes(std::shared_ptr<ByteQueue> queue) {
  return std::make_unique<QueueBytes>(std::move(queue));
}

}  // namespace flowtap::source
