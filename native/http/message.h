// A message on its way: what the record of a batch is made from. The same for every version of HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "byte_buffer.h"
#include "http1/head.h"
#include "http1/suspicion.h"

namespace flowtap::http {

enum class Kind : uint8_t { request = 1, response = 2 };
enum class Protocol : uint8_t { http1 = 1 };
/// The first that applies, in this order, when a message is not complete.
enum class Integrity : uint8_t { complete = 0, gap = 1, truncated = 2, aborted = 3 };

/// Why no final response to a request will come.
enum class NoResponse : uint8_t {
  closed = 1,  ///< the connection was closed
  reset,
  idle,         ///< nothing for idleTimeout
  evicted,      ///< given up, because there were too many connections or requests without a response
  ended,        ///< the capture ended
  lost,         ///< it was not captured: what followed shows that it must have been sent
  notSelected,  ///< it came, but is not delivered
};

/// Whether somebody wants it.
enum class Selection : uint8_t { selected, undecided, rejected };

namespace flag {
inline constexpr uint16_t bodyKept = 1;       ///< the body, or the first part of it, was kept
inline constexpr uint16_t bodyTruncated = 2;  ///< a limit cut what was kept
inline constexpr uint16_t interim = 4;        ///< a 1xx response
inline constexpr uint16_t wideOffsets = 8;    ///< header tables of the record are uint32, not uint16
inline constexpr uint16_t conflict = 16;      ///< packets disagreed about its bytes
inline constexpr uint16_t obsFold = 32;       ///< a field value of head or trailers spans lines (RFC 9112, 5.2)
inline constexpr uint16_t upgraded = 64;      ///< the connection changes protocol behind this message
inline constexpr uint16_t chunked = 128;      ///< Transfer-Encoding: chunked was removed
inline constexpr uint16_t untilClose = 256;   ///< the body ends with the connection
inline constexpr uint16_t streaming = 512;    ///< delivered before its end: continuations follow
inline constexpr uint16_t framed = 1024;  ///< instead of bodyKept: what was kept of the body holds its chunk framing
}  // namespace flag

/// A 1xx response, which another one follows (RFC 9110, 15.2); 101 is final.
inline bool isInterim(uint16_t status) { return status >= 100 && status < 200 && status != 101; }

/// Reasons to look twice at a message, a bit each.
namespace suspicion = http1::suspicion;

struct Connection;
struct Exchange;

/// Bytes are either in the packet that is being processed (`…InPlace`) or owned. A message that outlives the packet is
/// persisted first.
struct Message {
  Kind kind;
  uint8_t version;
  Integrity integrity;
  uint16_t flags;
  uint16_t status;
  uint32_t suspicious;  ///< suspicion:: bits
  int64_t startNs;
  int64_t endNs;
  uint64_t bodyLength;  ///< body bytes that were seen, kept or not
  uint64_t missingBytes;

  const uint8_t* head;
  uint32_t headLength;
  uint32_t methodLength;
  uint32_t textOffset;
  uint32_t textLength;
  uint32_t hostIndex;
  uint32_t fieldCount;
  const http1::FieldSpan* fields;

  const uint8_t* body;  ///< what was kept of it
  size_t bodyKept;
  bool keepsBody;  ///< still appending

  uint64_t id;           ///< once it was delivered
  bool delivered;        ///< given to the sink
  bool dropped;          ///< by the sink: there was no room
  uint64_t bodyNotSent;  ///< bytes of a delivered message's body for which there was no room

  bool rejected;  ///< not selected: nothing of it is kept
  bool follows;   ///< belongs into the batch of the message that was delivered before it, or is dropped with it

  bool persisted;
  uint64_t pendingBytes;  ///< what it owns, as counted in stats.http_pendingBytes
  ByteBuffer headStore;
  ByteBuffer bodyStore;
  ByteBuffer trailerStore;
  std::vector<http1::FieldSpan> fieldStore;
  std::vector<http1::FieldSpan> trailerFields;

  Exchange* exchange;  ///< of a request its own, of a response the one that it answers; may be null
  Message* next;       ///< in the list that it is in

  bool waiting;  ///< a request that is kept until its exchange is decided
  Message* waitingBefore;
  Message* waitingBehind;
};

}  // namespace flowtap::http
