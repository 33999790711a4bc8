#include "addon/session_core.h"

#include <utility>

namespace flowtap::addon {

std::shared_ptr<SessionCore> SessionCore::start(Napi::Env env, const Napi::Function& doorbell, Opening opening) {
  using Holder = std::shared_ptr<SessionCore>;
  auto core = std::make_shared<SessionCore>();
  core->function_ = ThreadSafeFunction::New(
      env, doorbell, Napi::Object(), "flowtap", 0, 1, core.get(),
      // Runs when the function was released, or when the environment goes away: the thread must not outlive either.
      [](Napi::Env, Holder* holder, SessionCore* self) {
        self->functionReleased_ = true;
        self->sessions_->close();
        delete holder;
      },
      new Holder(core));
  core->function_.Unref(env);
  core->queue_ = std::move(opening.queue);
  if (core->queue_ != nullptr) {
    core->queue_->onDrain([self = core.get()] {
      self->wantsInput_.store(true, std::memory_order_relaxed);
      self->sessions_->news();
    });
  }
  core->sessions_ = std::make_unique<session::SessionGroup>(std::move(opening.members), *core);
  return core;
}

void SessionCore::callJs(Napi::Env env, Napi::Function doorbell, SessionCore* core, void*) {
  if (env == nullptr) return;
  if (!core->functionReleased_) core->function_.Unref(env);
  // Not Function::Call(): in an environment that is being torn down nothing can be called, and nothing thrown about it.
  napi_value global;
  napi_value ignored;
  if (napi_get_global(env, &global) == napi_ok) napi_call_function(env, global, doorbell, 0, nullptr, &ignored);
}

bool SessionCore::park(Napi::Env env) {
  if (functionReleased_ || !sessions_->park()) return false;
  function_.Ref(env);
  return true;
}

void SessionCore::close() {
  sessions_->close();
  if (functionReleased_) return;
  functionReleased_ = true;
  function_.Release();
}

bool SessionCore::push(const uint8_t* bytes, size_t length) {
  wantsInput_.store(false, std::memory_order_relaxed);
  const bool goOn = queue_->push(bytes, length);
  if (goOn) wantsInput_.store(true, std::memory_order_relaxed);
  return goOn;
}

void SessionCore::pushEnd() { queue_->end(); }

}  // namespace flowtap::addon
