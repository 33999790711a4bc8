// Tells JavaScript where things are in a batch.
#pragma once

#include <napi.h>

namespace flowtap::addon {

Napi::Object describeLayout(Napi::Env env);

}  // namespace flowtap::addon
