// Tells the consumer's thread that there is something new.
#pragma once

namespace flowtap::session {

class Doorbell {
 public:
  virtual ~Doorbell() = default;
  /// Called from any thread, at most once between two Session::park() that returned true.
  virtual void ring() = 0;
};

}  // namespace flowtap::session
