// Reads NativeOptions of lib/native.ts, which arrive complete and valid.
#pragma once

#include <napi.h>

#include <memory>

#include "session/session.h"
#include "source/byte_queue.h"
#include "source/sources.h"

namespace flowtap::addon {

struct Opening {
  session::SessionOptions session;
  std::unique_ptr<source::PacketSource> source;
  std::shared_ptr<source::ByteQueue> queue;  ///< of a stream, null otherwise
};

Opening readOptions(const Napi::Object& options);

}  // namespace flowtap::addon
