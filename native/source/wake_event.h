// A descriptor that any thread can make readable.
#pragma once

#include <atomic>

namespace flowtap::source {

class WakeEvent {
 public:
  WakeEvent();
  ~WakeEvent();
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  /// False when the system gave no descriptor.
  bool valid() const { return readDescriptor_ >= 0; }
  /// Readable from raise() until take().
  int descriptor() const { return readDescriptor_; }
  /// Any thread.
  void raise();
  /// The waiting thread: whether raise() was called since the last take().
  bool take();

 private:
  std::atomic<bool> raised_{false};
  int readDescriptor_ = -1;
  int writeDescriptor_ = -1;
};

}  // namespace flowtap::source
