#include "addon/session_wrap.h"

#include <cstring>
#include <utility>
#include <vector>

#include "addon/error.h"
#include "addon/options.h"
#include "addon/text_writer_wrap.h"
#include "source/link_type.h"

namespace flowtap::addon {

Napi::Function SessionWrap::define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {
                         InstanceMethod<&SessionWrap::take>("take"),
                         InstanceMethod<&SessionWrap::park>("park"),
                         InstanceMethod<&SessionWrap::state>("state"),
                         InstanceMethod<&SessionWrap::follow>("follow"),
                         InstanceMethod<&SessionWrap::begin>("begin"),
                         InstanceMethod<&SessionWrap::decide>("decide"),
                         InstanceMethod<&SessionWrap::stop>("stop"),
                         InstanceMethod<&SessionWrap::close>("close"),
                         InstanceMethod<&SessionWrap::stats>("stats"),
                         InstanceMethod<&SessionWrap::push>("push"),
                         InstanceMethod<&SessionWrap::pushEnd>("pushEnd"),
                     });
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  core_ = SessionCore::start(info.Env(), info[1].As<Napi::Function>(), readOptions(info[0].As<Napi::Object>()));
}

SessionWrap::~SessionWrap() {
  if (core_ != nullptr) core_->close();
}

Napi::Value SessionWrap::take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info[0].IsObject()) return takeText(env, *TextWriterWrap::Unwrap(info[0].As<Napi::Object>()));
  std::unique_ptr<delivery::Batch> batch = core_->sessions().take();
  if (batch == nullptr) return env.Undefined();
  Napi::Object result = Napi::Object::New(env);
  cross(env, *batch, result);
  core_->sessions().recycle(std::move(batch));
  return result;
}

Napi::Value SessionWrap::takeText(Napi::Env env, TextWriterWrap& writer) {
  std::unique_ptr<delivery::Batch> batch = core_->sessions().take();
  if (batch == nullptr) return env.Undefined();
  Napi::Object result = Napi::Object::New(env);
  bool complete = true;
  writer.begin();
  while (batch != nullptr) {
    complete = writer.add(*batch);
    if (!complete) cross(env, *batch, result);
    core_->sessions().recycle(std::move(batch));
    batch = complete && writer.wantsMore() ? core_->sessions().take() : nullptr;
  }
  // Of zeros: nothing is left.
  if (complete) result.Set("buffer", Napi::ArrayBuffer::New(env, sizeof(delivery::BatchHeader)));
  result.Set("written", writer.told(env));
  return result;
}

void SessionWrap::cross(Napi::Env env, const delivery::Batch& batch, Napi::Object& into) {
  // As Buffers, because an ArrayBuffer of its own would be filled with zeros first.
  const auto buffer = Napi::Buffer<uint8_t>::New(env, batch.bufferSize());
  batch.write(buffer.Data());
  into.Set("buffer", buffer.ArrayBuffer());
  if (batch.bodies.empty()) return;
  Napi::Array bodies = Napi::Array::New(env, batch.bodies.size());
  for (size_t i = 0; i < batch.bodies.size(); i++) {
    const ByteBuffer& kept = batch.bodies[i];
    const auto body = Napi::Buffer<uint8_t>::Copy(env, kept.data(), kept.size());
    bodies.Set(static_cast<uint32_t>(i), body.ArrayBuffer());
  }
  into.Set("bodies", bodies);
}

Napi::Value SessionWrap::park(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), core_->park(info.Env()));
}

Napi::Value SessionWrap::state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const session::State state = core_->sessions().state();
  Napi::Object result = Napi::Object::New(env);
  result.Set("phase", state.phase == session::Phase::opening     ? "opening"
                      : state.phase == session::Phase::capturing ? "capturing"
                                                                 : "ended");
  if (state.hasInfo) {
    Napi::Object told = Napi::Object::New(env);
    told.Set("interface", state.info.interface);
    told.Set("linkType", state.info.linkType);
    told.Set("filter", state.info.filter);
    told.Set("snaplen", state.info.snaplen);
    result.Set("info", told);
  }
  if (state.error) result.Set("error", describeError(env, state.error));
  if (state.finishedRecordings != 0) {
    result.Set("filesMade", static_cast<double>(state.recordings));
    result.Set("filesFinished", static_cast<double>(state.finishedRecordings));
  }
  if (state.recordingError) result.Set("writeError", describeError(env, state.recordingError));
  if (!state.unsupportedLinkTypes.empty()) {
    Napi::Array unsupported = Napi::Array::New(env);
    for (const auto& [linkType, packets] : state.unsupportedLinkTypes) {
      Napi::Object told = Napi::Object::New(env);
      told.Set("linkType", source::linkTypeName(linkType));
      told.Set("packets", static_cast<double>(packets));
      unsupported.Set(unsupported.Length(), told);
    }
    result.Set("unsupportedLinkTypes", unsupported);
  }
  result.Set("wantsInput", core_->wantsInput());
  return result;
}

Napi::Value SessionWrap::follow(const Napi::CallbackInfo& info) {
  core_->sessions().follow(readEndpoints(info[0]));
  return info.Env().Undefined();
}

Napi::Value SessionWrap::begin(const Napi::CallbackInfo& info) {
  core_->sessions().begin(info[0].ToBoolean().Value(), info[1].ToBoolean().Value());
  return info.Env().Undefined();
}

Napi::Value SessionWrap::decide(const Napi::CallbackInfo& info) {
  const auto connections = info[0].As<Napi::Float64Array>();
  std::vector<uint64_t> ids(connections.ElementLength());
  for (size_t i = 0; i < ids.size(); i++) ids[i] = static_cast<uint64_t>(connections[i]);
  core_->sessions().decide(ids, static_cast<uint64_t>(info[1].ToNumber().Int64Value()));
  return info.Env().Undefined();
}

Napi::Value SessionWrap::stop(const Napi::CallbackInfo& info) {
  core_->sessions().stop();
  return info.Env().Undefined();
}

Napi::Value SessionWrap::close(const Napi::CallbackInfo& info) {
  core_->close();
  return info.Env().Undefined();
}

Napi::Value SessionWrap::stats(const Napi::CallbackInfo& info) {
  const Stats stats = core_->sessions().stats();
  uint64_t counters[counterCount];
  std::memcpy(counters, &stats, sizeof stats);
  Napi::Float64Array result = Napi::Float64Array::New(info.Env(), counterCount);
  for (size_t i = 0; i < counterCount; i++) result[i] = static_cast<double>(counters[i]);
  return result;
}

Napi::Value SessionWrap::push(const Napi::CallbackInfo& info) {
  const auto chunk = info[0].As<Napi::Uint8Array>();
  return Napi::Boolean::New(info.Env(), core_->push(chunk.Data(), chunk.ByteLength()));
}

Napi::Value SessionWrap::pushEnd(const Napi::CallbackInfo& info) {
  core_->pushEnd();
  return info.Env().Undefined();
}

}  // namespace flowtap::addon
