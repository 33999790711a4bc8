// text::TextWriter for JavaScript.
#pragma once

#include <napi.h>

#include "delivery/batch.h"
#include "text/text_writer.h"

namespace flowtap::addon {

class TextWriterWrap : public Napi::ObjectWrap<TextWriterWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TextWriterWrap(const Napi::CallbackInfo& info);

  /// Before batches that have not crossed.
  void begin();
  /// Writes one. False when that is not all of it.
  bool add(const delivery::Batch& batch);
  /// There is room for another one, and somebody wants it.
  bool wantsMore() const;
  /// What was written since begin().
  Napi::Object told(Napi::Env env) const;

 private:
  /// (buffer, bodies, from, to): of a batch that crossed.
  Napi::Value write(const Napi::CallbackInfo& info);
  /// (count): so many messages of those that have not crossed, and not the rest.
  Napi::Value limit(const Napi::CallbackInfo& info);
  /// (into, at): where what is written next goes.
  Napi::Value lend(const Napi::CallbackInfo& info);
  /// (): a copy of what was written last.
  Napi::Value text(const Napi::CallbackInfo& info);

  text::TextWriter writer_;
  text::TextBuffer text_;
  Napi::Reference<Napi::Uint8Array> lent_;
  size_t lentAt_ = 0;
  text::Tally tally_;
  uint32_t next_ = 0;
  uint32_t end_ = 0;
  uint32_t limit_ = UINT32_MAX;
};

}  // namespace flowtap::addon
