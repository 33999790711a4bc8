#include "addon/text_writer_wrap.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace flowtap::addon {

namespace {

/// Memory that a large batch took is not kept.
constexpr size_t keptBytes = size_t{4} << 20;

delivery::Bytes bytesOf(Napi::ArrayBuffer buffer) {
  return {static_cast<const uint8_t*>(buffer.Data()), buffer.ByteLength()};
}

text::Form formOf(const Napi::Value& name) {
  return name.ToString().Utf8Value() == "blocks" ? text::Form::blocks : text::Form::lines;
}

}  // namespace

Napi::Function TextWriterWrap::define(Napi::Env env) {
  return DefineClass(env, "TextWriter",
                     {
                         InstanceMethod<&TextWriterWrap::write>("write"),
                         InstanceMethod<&TextWriterWrap::limit>("limit"),
                         InstanceMethod<&TextWriterWrap::text>("text"),
                         InstanceMethod<&TextWriterWrap::copyTo>("copyTo"),
                     });
}

TextWriterWrap::TextWriterWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TextWriterWrap>(info), writer_(formOf(info[0]), info[1].ToBoolean()) {}

Napi::Object TextWriterWrap::append(Napi::Env env, const delivery::BatchReader& batch, uint32_t from, uint32_t to,
                                    uint32_t& next) {
  text_.reset(keptBytes);
  next = writer_.append(text_, batch, from, to);
  const text::Tally& tally = writer_.tally();
  Napi::Object told = Napi::Object::New(env);
  told.Set("bytes", static_cast<double>(text_.size()));
  told.Set("next", next);
  told.Set("requests", tally.requests);
  told.Set("responses", tally.responses);
  told.Set("incomplete", tally.incomplete);
  told.Set("cut", tally.cut);
  if (writer_.asked().known) told.Set("asked", Napi::BigInt::New(env, writer_.asked().startNs));
  return told;
}

Napi::Object TextWriterWrap::write(Napi::Env env, const delivery::Batch& batch, uint32_t& next) {
  const delivery::BatchReader reader(batch);
  const uint32_t end = std::min(limit_, reader.recordCount());
  Napi::Object told = append(env, reader, 0, end, next);
  told.Set("end", end);
  writer_.pass(reader);
  // Those that are beyond the limit nobody wants.
  if (next == end) next = reader.recordCount();
  return told;
}

Napi::Value TextWriterWrap::write(const Napi::CallbackInfo& info) {
  std::vector<delivery::Bytes> bodies;
  if (info[1].IsArray()) {
    const auto given = info[1].As<Napi::Array>();
    for (uint32_t i = 0; i < given.Length(); i++) bodies.push_back(bytesOf(given.Get(i).As<Napi::ArrayBuffer>()));
  }
  const delivery::BatchReader batch(bytesOf(info[0].As<Napi::ArrayBuffer>()), std::move(bodies));
  uint32_t next;
  return append(info.Env(), batch, info[2].ToNumber().Uint32Value(), info[3].ToNumber().Uint32Value(), next);
}

Napi::Value TextWriterWrap::limit(const Napi::CallbackInfo& info) {
  limit_ = info[0].ToNumber().Uint32Value();
  return info.Env().Undefined();
}

Napi::Value TextWriterWrap::text(const Napi::CallbackInfo& info) {
  // A Buffer is not filled with zeros first.
  return Napi::Buffer<uint8_t>::Copy(info.Env(), text_.data(), text_.size());
}

Napi::Value TextWriterWrap::copyTo(const Napi::CallbackInfo& info) {
  auto into = info[0].As<Napi::Uint8Array>();
  const uint32_t at = info[1].ToNumber().Uint32Value();
  const bool fits = at <= into.ByteLength() && into.ByteLength() - at >= text_.size();
  if (fits && !text_.empty()) std::memcpy(into.Data() + at, text_.data(), text_.size());
  return Napi::Boolean::New(info.Env(), fits);
}

}  // namespace flowtap::addon
