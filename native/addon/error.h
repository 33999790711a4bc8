// A failure of the system or of the input as JavaScript sees it.
#pragma once

#include <napi.h>

#include "source/packet_source.h"

namespace flowtap::addon {

inline Napi::Object describeError(Napi::Env env, const source::Error& error) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("code", error.code);
  object.Set("message", error.message);
  return object;
}

}  // namespace flowtap::addon
