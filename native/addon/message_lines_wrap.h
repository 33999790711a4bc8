// json::MessageLines for JavaScript.
#pragma once

#include <napi.h>

#include "byte_buffer.h"

namespace flowtap::addon {

class MessageLinesWrap : public Napi::ObjectWrap<MessageLinesWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit MessageLinesWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MessageLinesWrap>(info) {}

 private:
  /// (buffer, bodies, from, to): the lines of these messages as far as possible, and the index of the first that was
  /// not written.
  Napi::Value write(const Napi::CallbackInfo& info);

  ByteBuffer lines_;
};

}  // namespace flowtap::addon
