// The class `Session` that JavaScript sees; lib/native.ts types it.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/session_core.h"

namespace flowtap::addon {

class TextWriterWrap;

class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SessionWrap(const Napi::CallbackInfo& info);
  ~SessionWrap() override;

 private:
  /// (writer): a batch; with a writer, what that has written of one or more, and the last of them when that is not all.
  Napi::Value take(const Napi::CallbackInfo& info);
  Napi::Value takeText(Napi::Env env, TextWriterWrap& writer);
  static void cross(Napi::Env env, const delivery::Batch& batch, Napi::Object& into);
  Napi::Value park(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value follow(const Napi::CallbackInfo& info);
  Napi::Value begin(const Napi::CallbackInfo& info);
  Napi::Value decide(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value push(const Napi::CallbackInfo& info);
  Napi::Value pushEnd(const Napi::CallbackInfo& info);

  std::shared_ptr<SessionCore> core_;
};

}  // namespace flowtap::addon
