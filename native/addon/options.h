// Reads NativeOptions of lib/native.ts, which arrive complete and valid.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "session/session_group.h"
#include "source/byte_queue.h"
#include "source/sources.h"

namespace flowtap::addon {

struct Opening {
  std::vector<session::SessionGroup::Member> members;
  std::shared_ptr<source::ByteQueue> queue;  ///< of a stream, null otherwise
};

/// Of a Uint8Array, see decode::readEndpoints(); null of anything else.
std::shared_ptr<const decode::EndpointSet> readEndpoints(const Napi::Value& value);

Opening readOptions(const Napi::Object& options);

}  // namespace flowtap::addon
