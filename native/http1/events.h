// What the parser tells of one direction of an HTTP/1 connection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "http1/head.h"

namespace flowtap::http1 {

/// How the body behind a head is framed (RFC 9112, 6.3).
struct Framing {
  enum class Kind : uint8_t { none, length, chunked, untilClose, tunnel } kind;
  uint64_t length = 0;
  /// Whether there is a body at all is a guess: the request is not known, and may have been a HEAD.
  bool doubtful = false;
};

/// Why a message or a stretch of the stream is not whole. In the order in which they apply.
enum class Damage : uint8_t { none = 0, gap = 1, truncated = 2, aborted = 3 };

/// The beginning of a head that was given up.
struct SkippedHead {
  bool isRequest;
  MethodKind method;
  uint16_t status;  ///< 0 when it is not known
};

/// One message a time: onHead, any number of onBody, onFraming and onMissing, at most one onTrailers, onMessageEnd.
/// Bytes are valid only during the call, except that Head::storage may be taken. `owner` is what the parser was made
/// with.
class Events {
 public:
  virtual ~Events() = default;
  /// A head is complete, or as complete as it will get (Head::incomplete). Answers how its body is framed: a response's
  /// depends on the request.
  virtual Framing onHead(void* owner, uint8_t side, const Head& head, int64_t startNs, int64_t endNs) = 0;
  /// A message, of which nothing else is told, had a head beyond the limits.
  virtual void onSkippedHead(void* owner, uint8_t side, const SkippedHead& head, int64_t timeNs) = 0;
  virtual void onBody(void* owner, uint8_t side, const uint8_t* bytes, size_t length, int64_t timeNs) = 0;
  /// With ParserOptions::tellsFraming: bytes of a chunked body that are not its content, in their place between those
  /// of onBody: sizes, extensions, line ends, the trailer section.
  virtual void onFraming(void* owner, uint8_t side, const uint8_t* bytes, size_t length) = 0;
  /// Bytes of the message are missing; `bodyLength` of them were body bytes, as far as the framing tells.
  virtual void onMissing(void* owner, uint8_t side, uint64_t length, uint64_t bodyLength, Damage damage) = 0;
  /// The trailer section, its fields relative to `bytes`.
  virtual void onTrailers(void* owner, uint8_t side, const uint8_t* bytes, size_t length, const FieldSpan* fields,
                          size_t count) = 0;
  /// There is something odd about the message, beside what its head told: suspicion:: bits.
  virtual void onSuspicious(void* owner, uint8_t side, uint32_t reasons) = 0;
  /// The message is over. `endNs` is 0 when its last bytes were told before.
  virtual void onMessageEnd(void* owner, uint8_t side, Damage damage, int64_t endNs) = 0;
  /// Bytes behind a 101 or a CONNECT.
  virtual void onTunnel(void* owner, uint8_t side, size_t length) = 0;
};

}  // namespace flowtap::http1
