#include "addon/text_writer_wrap.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace flowtap::addon {

namespace {

/// Memory that a large batch took is not kept.
constexpr size_t keptBytes = size_t{4} << 20;
/// Batches are written one behind the other until there is so much: each step through JavaScript costs as much as some
/// ten messages.
constexpr size_t enoughBytes = size_t{512} << 10;

delivery::Bytes bytesOf(Napi::ArrayBuffer buffer) {
  return {static_cast<const uint8_t*>(buffer.Data()), buffer.ByteLength()};
}

text::Form formOf(const Napi::Value& name) {
  const std::string form = name.ToString().Utf8Value();
  return form == "rows" ? text::Form::rows : form == "blocks" ? text::Form::blocks : text::Form::lines;
}

}  // namespace

Napi::Function TextWriterWrap::define(Napi::Env env) {
  return DefineClass(env, "TextWriter",
                     {
                         InstanceMethod<&TextWriterWrap::write>("write"),
                         InstanceMethod<&TextWriterWrap::limit>("limit"),
                         InstanceMethod<&TextWriterWrap::lend>("lend"),
                         InstanceMethod<&TextWriterWrap::text>("text"),
                     });
}

TextWriterWrap::TextWriterWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TextWriterWrap>(info), writer_(formOf(info[0]), info[1].ToBoolean()) {}

void TextWriterWrap::begin() {
  text_.reset(keptBytes);
  if (!lent_.IsEmpty()) {
    Napi::Uint8Array into = lent_.Value();
    if (lentAt_ <= into.ByteLength()) text_.begin(into.Data() + lentAt_, into.ByteLength() - lentAt_);
  }
  tally_ = {};
}

bool TextWriterWrap::add(const delivery::Batch& batch) {
  const delivery::BatchReader reader(batch);
  end_ = std::min(limit_, reader.recordCount());
  next_ = writer_.append(text_, reader, 0, end_);
  writer_.pass(text_, reader);
  tally_ += writer_.tally();
  if (limit_ != UINT32_MAX) limit_ -= end_;
  return next_ == end_;
}

bool TextWriterWrap::wantsMore() const { return text_.size() < enoughBytes && limit_ != 0; }

Napi::Object TextWriterWrap::told(Napi::Env env) const {
  Napi::Object told = Napi::Object::New(env);
  told.Set("bytes", static_cast<double>(text_.size()));
  told.Set("lent", text_.isLent());
  told.Set("next", next_);
  told.Set("end", end_);
  told.Set("exchanges", tally_.exchanges);
  told.Set("requests", tally_.requests);
  told.Set("responses", tally_.responses);
  told.Set("incomplete", tally_.incomplete);
  told.Set("cut", tally_.cut);
  if (writer_.asked().known) told.Set("asked", Napi::BigInt::New(env, writer_.asked().startNs));
  return told;
}

Napi::Value TextWriterWrap::write(const Napi::CallbackInfo& info) {
  std::vector<delivery::Bytes> bodies;
  if (info[1].IsArray()) {
    const auto given = info[1].As<Napi::Array>();
    for (uint32_t i = 0; i < given.Length(); i++) bodies.push_back(bytesOf(given.Get(i).As<Napi::ArrayBuffer>()));
  }
  const delivery::BatchReader batch(bytesOf(info[0].As<Napi::ArrayBuffer>()), std::move(bodies));
  begin();
  end_ = info[3].ToNumber().Uint32Value();
  next_ = writer_.append(text_, batch, info[2].ToNumber().Uint32Value(), end_);
  tally_ = writer_.tally();
  return told(info.Env());
}

Napi::Value TextWriterWrap::limit(const Napi::CallbackInfo& info) {
  limit_ = info[0].ToNumber().Uint32Value();
  return info.Env().Undefined();
}

Napi::Value TextWriterWrap::lend(const Napi::CallbackInfo& info) {
  lent_ = Napi::Persistent(info[0].As<Napi::Uint8Array>());
  lentAt_ = info[1].ToNumber().Uint32Value();
  return info.Env().Undefined();
}

Napi::Value TextWriterWrap::text(const Napi::CallbackInfo& info) {
  // A Buffer is not filled with zeros first.
  napi_value copy = Napi::Buffer<uint8_t>::Copy(info.Env(), text_.data(), text_.size());
  return {info.Env(), copy};
}

}  // namespace flowtap::addon
