// Recognises, by the first line of a direction, protocols that are written like HTTP/1 and are something else. They may
// hold HTTP messages: ICAP always does, SIP and RTSP as bodies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace flowtap::stream {

class FirstLine {
 public:
  /// Looks at the next bytes, in any pieces. True once the line is that of another protocol: ICAP (RFC 3507), SIP (RFC
  /// 3261), RTSP (RFC 2326, 7826) or SSDP (UPnP Device Architecture).
  bool feed(const uint8_t* bytes, size_t length);
  /// Nothing more can be found.
  bool finished() const { return finished_; }

 private:
  /// Longer ones are not looked at to their end.
  static constexpr size_t maxLineBytes = 8192;

  void append(const uint8_t* bytes, size_t length);
  bool isOther() const;

  std::array<uint8_t, 20> begin_{};  ///< the first bytes of the line
  std::array<uint8_t, 10> end_{};    ///< the last ones
  uint16_t length_ = 0;
  bool finished_ = false;
};

}  // namespace flowtap::stream
