#include "stream/protocol.h"

namespace flowtap::stream {

namespace {

/// RFC 9113, 3.4.
constexpr uint8_t http2Preface[] = {'P', 'R', 'I',  ' ',  '*',  ' ',  'H', 'T', 'T',  'P',  '/',  '2',
                                    '.', '0', '\r', '\n', '\r', '\n', 'S', 'M', '\r', '\n', '\r', '\n'};
/// Enough of it: no HTTP/1 message begins so.
constexpr uint8_t http2Decisive = 16;
/// Type, version and length of a TLS record (RFC 8446, 5.1).
constexpr uint8_t tlsDecisive = 5;

/// May `byte` stand at `index` of a TLS record header?
bool fitsTls(uint8_t byte, uint8_t index) {
  switch (index) {
    case 0:
      return byte >= 20 && byte <= 24;
    case 1:
      return byte == 3;
    case 2:
      return byte <= 4;
    case 3:
      return byte <= 0x48;  // 2^14 + 2048 bytes
    default:
      return true;
  }
}

}  // namespace

Protocol Detector::feed(const uint8_t* bytes, size_t length) {
  if (!firstLine_.finished() && firstLine_.feed(bytes, length)) {
    finished_ = true;
    return Protocol::other;
  }
  for (size_t i = 0; i < length && (maybeTls_ || maybeHttp2_); i++) {
    maybeTls_ = maybeTls_ && fitsTls(bytes[i], seen_);
    maybeHttp2_ = maybeHttp2_ && bytes[i] == http2Preface[seen_];
    seen_++;
    if (maybeTls_ && seen_ == tlsDecisive) {
      finished_ = true;
      return Protocol::tls;
    }
    if (maybeHttp2_ && seen_ == http2Decisive) {
      finished_ = true;
      return Protocol::http2;
    }
  }
  finished_ = !maybeTls_ && !maybeHttp2_ && firstLine_.finished();
  return Protocol::undetermined;
}

}  // namespace flowtap::stream
