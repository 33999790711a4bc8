// The stages of the pipeline one after the other, each with those before it.
#pragma once

#include <cstdint>
#include <functional>

#include "measure.h"
#include "source/packet_source.h"

namespace bench {

/// Reads everything from an open source, with a call after each read; false when that failed.
bool drain(flowtap::source::PacketSource& source, flowtap::source::PacketSink& sink,
           const std::function<void()>& afterRead);

/// Each adds what it counted.
bool readOnly(flowtap::source::PacketSource& source, JsonLine& line);
bool readAndDecode(flowtap::source::PacketSource& source, JsonLine& line);
bool readDecodeAndReassemble(flowtap::source::PacketSource& source, JsonLine& line);

}  // namespace bench
