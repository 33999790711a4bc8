// Which protocol is it? Recognises, by the first bytes of each direction, those that are not HTTP/1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stream/first_line.h"

namespace flowtap::stream {

enum class Protocol : uint8_t {
  undetermined,
  http1,
  tls,
  http2,  ///< with prior knowledge (RFC 9113, 3.3)
  other,  ///< written like HTTP/1: ICAP, SIP, RTSP, SSDP
};

/// Follows one direction from its first byte on. Bytes may come in any pieces.
class Detector {
 public:
  /// Looks at the next bytes; undetermined both when it is none of these and when it is too early to say.
  Protocol feed(const uint8_t* bytes, size_t length);
  bool finished() const { return finished_; }

 private:
  FirstLine firstLine_;
  uint8_t seen_ = 0;
  bool maybeTls_ = true;
  bool maybeHttp2_ = true;
  bool finished_ = false;
};

}  // namespace flowtap::stream
