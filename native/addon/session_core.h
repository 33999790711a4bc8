// A capture and its doorbell, shared by the object that JavaScript holds and the thread-safe function: the one may be
// collected and the environment may be torn down, in either order.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>

#include "addon/options.h"
#include "session/session_group.h"

namespace flowtap::addon {

/// Everything but ring() is for the JavaScript thread.
class SessionCore final : public session::Doorbell {
 public:
  /// `doorbell` is called on the JavaScript thread.
  static std::shared_ptr<SessionCore> start(Napi::Env env, const Napi::Function& doorbell, Opening opening);

  session::SessionGroup& sessions() { return *sessions_; }
  /// As SessionGroup::park(), and keeps the event loop alive until the doorbell rang.
  bool park(Napi::Env env);
  /// Joins the threads and lets the event loop go. Idempotent.
  void close();

  /// Of a stream. False: wait until wantsInput().
  bool push(const uint8_t* bytes, size_t length);
  void pushEnd();
  bool wantsInput() const { return wantsInput_.load(std::memory_order_relaxed); }

  void ring() override { function_.NonBlockingCall(); }

 private:
  static void callJs(Napi::Env env, Napi::Function doorbell, SessionCore* core, void* data);
  using ThreadSafeFunction = Napi::TypedThreadSafeFunction<SessionCore, void, callJs>;

  ThreadSafeFunction function_;
  bool functionReleased_ = false;
  std::shared_ptr<source::ByteQueue> queue_;
  std::atomic<bool> wantsInput_{true};
  std::unique_ptr<session::SessionGroup> sessions_;
};

}  // namespace flowtap::addon
