// text::TextWriter for JavaScript.
#pragma once

#include <napi.h>

#include "byte_buffer.h"
#include "delivery/batch.h"
#include "text/text_writer.h"

namespace flowtap::addon {

class TextWriterWrap : public Napi::ObjectWrap<TextWriterWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TextWriterWrap(const Napi::CallbackInfo& info);

  /// Writes a batch that has not crossed, and tells about it; all of it when `next` is the number of its messages.
  Napi::Object write(Napi::Env env, const delivery::Batch& batch, uint32_t& next);

 private:
  /// (buffer, bodies, from, to): of a batch that crossed.
  Napi::Value write(const Napi::CallbackInfo& info);
  /// (count): so many messages of a batch that has not crossed, and not the rest.
  Napi::Value limit(const Napi::CallbackInfo& info);
  /// (): what was written last.
  Napi::Value text(const Napi::CallbackInfo& info);
  /// (into, at): the same, where there is room.
  Napi::Value copyTo(const Napi::CallbackInfo& info);

  Napi::Object append(Napi::Env env, const delivery::BatchReader& batch, uint32_t from, uint32_t to, uint32_t& next);

  text::TextWriter writer_;
  ByteBuffer text_;
  uint32_t limit_ = UINT32_MAX;
};

}  // namespace flowtap::addon
