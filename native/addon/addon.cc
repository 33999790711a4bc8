// The addon's exports; lib/native.ts types them.
#include <napi.h>

#include "addon/interfaces.h"
#include "addon/layout.h"
#include "addon/session_wrap.h"
#include "addon/text_writer_wrap.h"
#include "source/sources.h"
#include "stats.h"

namespace flowtap::addon {

namespace {

Napi::Array describeCounters(Napi::Env env) {
  Napi::Array counters = Napi::Array::New(env, counterCount);
  for (uint32_t i = 0; i < counterCount; i++) {
    Napi::Array name = Napi::Array::New(env, 2);
    name.Set(0u, counterNames[i].group);
    name.Set(1u, counterNames[i].name);
    counters.Set(i, name);
  }
  return counters;
}

Napi::Value checkFilter(const Napi::CallbackInfo& info) {
  const source::Error error = source::checkFilter(info[0].ToString().Utf8Value(), info[1].ToNumber().Uint32Value());
  if (!error) return info.Env().Undefined();
  return Napi::String::New(info.Env(), error.message);
}

Napi::Value libpcapVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), source::libpcapVersion());
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("Session", SessionWrap::define(env));
  exports.Set("TextWriter", TextWriterWrap::define(env));
  exports.Set("layout", describeLayout(env));
  exports.Set("counters", describeCounters(env));
  exports.Set("checkFilter", Napi::Function::New<checkFilter>(env, "checkFilter"));
  exports.Set("interfaces", Napi::Function::New<listInterfaces>(env, "interfaces"));
  exports.Set("libpcapVersion", Napi::Function::New<libpcapVersion>(env, "libpcapVersion"));
  return exports;
}

}  // namespace

NODE_API_MODULE(flowtap, initialise)

}  // namespace flowtap::addon
