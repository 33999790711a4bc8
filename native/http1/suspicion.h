// Reasons to look twice at a message: ways of writing it that receivers read differently, which request smuggling lives
// on. docs/http.md explains each.
#pragma once

#include <cstdint>

namespace flowtap::http1 {

// X(constant, bit, name); the names are what JavaScript shows.
// clang-format off
#define FLOWTAP_SUSPICIONS(X)                                                                                  \
  X(conflictingContentLength, 0, "conflicting-content-length")     /* RFC 9112, 6.3: the first one is used */  \
  X(repeatedContentLength, 1, "repeated-content-length")           /* RFC 9110, 8.6: the same value again */   \
  X(invalidContentLength, 2, "invalid-content-length")             /* RFC 9110, 8.6: not used */               \
  X(lengthAndTransferEncoding, 3, "content-length-and-transfer-encoding") /* RFC 9112, 6.1 and 6.3 */          \
  X(transferEncodingNotChunked, 4, "transfer-encoding-not-chunked")       /* RFC 9112, 6.3: in a request */    \
  X(unusualTransferEncoding, 5, "unusual-transfer-encoding")       /* RFC 9112, 7: odd spelling of the list */ \
  X(transferEncodingInHttp10, 6, "transfer-encoding-in-http-1.0")  /* RFC 9112, 6.1 */                         \
  X(framingOfBodilessResponse, 7, "framing-of-bodiless-response")  /* RFC 9112, 6.1; RFC 9110, 8.6 */          \
  X(obsFold, 8, "obs-fold")                                        /* RFC 9112, 5.2 */                         \
  X(spaceBeforeFirstField, 9, "space-before-first-field")          /* RFC 9112, 2.2 */                         \
  X(spaceBeforeColon, 10, "space-before-colon")                    /* RFC 9112, 5.1 */                         \
  X(invalidFieldLine, 11, "invalid-field-line")                    /* RFC 9112, 5: no colon, or no name */     \
  X(invalidFieldName, 12, "invalid-field-name")                    /* RFC 9110, 5.1 */                         \
  X(controlCharacter, 13, "control-character")                     /* RFC 9110, 5.5 */                         \
  X(bareCr, 14, "bare-cr")                                         /* RFC 9112, 2.2 */                         \
  X(bareLf, 15, "bare-lf")                                         /* RFC 9112, 2.2 */                         \
  X(oddStartLine, 16, "odd-start-line")                            /* RFC 9112, 3 and 4: white space */        \
  X(invalidTarget, 17, "invalid-target")                           /* RFC 9112, 3.2 */                         \
  X(missingHost, 18, "missing-host")                               /* RFC 9112, 3.2 */                         \
  X(repeatedHost, 19, "repeated-host")                             /* RFC 9112, 3.2 */                         \
  X(invalidChunkSize, 20, "invalid-chunk-size")                    /* RFC 9112, 7.1 */                         \
  X(invalidChunkExtension, 21, "invalid-chunk-extension")          /* RFC 9112, 7.1.1 */                       \
  X(chunkBareLf, 22, "chunk-bare-lf")                              /* RFC 9112, 7.1 */                         \
  X(invalidChunkEnd, 23, "invalid-chunk-end")                      /* RFC 9112, 7.1: no CRLF behind the data */
// clang-format on

namespace suspicion {
#define FLOWTAP_DECLARE(constant, bit, name) inline constexpr uint32_t constant = uint32_t{1} << bit;
FLOWTAP_SUSPICIONS(FLOWTAP_DECLARE)
#undef FLOWTAP_DECLARE
}  // namespace suspicion

struct SuspicionName {
  const char* name;
  uint32_t bit;
};

inline constexpr SuspicionName suspicionNames[] = {
#define FLOWTAP_NAME(constant, bit, name) {name, uint32_t{1} << bit},
    FLOWTAP_SUSPICIONS(FLOWTAP_NAME)
#undef FLOWTAP_NAME
};

}  // namespace flowtap::http1
