// source::listInterfaces() for JavaScript.
#pragma once

#include <napi.h>

namespace flowtap::addon {

/// A promise of what lib/native.ts calls NativeInterfaces: the work is done on a thread of the pool.
Napi::Value listInterfaces(const Napi::CallbackInfo& info);

}  // namespace flowtap::addon
