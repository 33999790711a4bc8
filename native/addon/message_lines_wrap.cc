#include "addon/message_lines_wrap.h"

#include "json/message_lines.h"

namespace flowtap::addon {

namespace {

/// Memory that a large batch took is not kept.
constexpr size_t keptBytes = size_t{4} << 20;

json::Bytes bytesOf(Napi::ArrayBuffer buffer) {
  return {static_cast<const uint8_t*>(buffer.Data()), buffer.ByteLength()};
}

}  // namespace

Napi::Function MessageLinesWrap::define(Napi::Env env) {
  return DefineClass(env, "MessageLines", {InstanceMethod<&MessageLinesWrap::write>("write")});
}

Napi::Value MessageLinesWrap::write(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  json::FinishedBatch batch;
  batch.buffer = bytesOf(info[0].As<Napi::ArrayBuffer>());
  if (info[1].IsArray()) {
    const auto bodies = info[1].As<Napi::Array>();
    for (uint32_t i = 0; i < bodies.Length(); i++)
      batch.bodies.push_back(bytesOf(bodies.Get(i).As<Napi::ArrayBuffer>()));
  }
  const uint32_t from = info[2].ToNumber().Uint32Value();
  const uint32_t to = info[3].ToNumber().Uint32Value();
  lines_.clear();
  const uint32_t next = json::MessageLines(batch).append(lines_, from, to);
  Napi::Object result = Napi::Object::New(env);
  // A Buffer is not filled with zeros first.
  result.Set("lines", Napi::Buffer<uint8_t>::Copy(env, lines_.data(), lines_.size()));
  result.Set("next", next);
  lines_.reset(keptBytes);
  return result;
}

}  // namespace flowtap::addon
