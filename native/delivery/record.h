// The layout of a batch as JavaScript reads it. lib/batch.ts is the only other place that knows it, and checks it at
// load.
//
// A batch is one buffer: a header, the arena, and the records and continuations that point into it. Offsets are bytes
// from the start of the buffer. All numbers are in the byte order of the machine.
#pragma once

#include <cstdint>

#include "http/message.h"

namespace flowtap::delivery {

/// Raised with every change of the layout.
inline constexpr uint32_t layoutVersion = 3;

/// One message. 8-byte aligned, a multiple of 8 bytes.
struct Record {
  double id;                  ///< 1, 2, …: ascending; a dropped message uses up its id. Of n sessions: every n-th
  double requestId;           ///< of a response: the request it answers, 0 when unpaired
  int64_t startTimeNs;        ///< capture time of the first byte
  int64_t endTimeNs;          ///< capture time of the last byte
  double bodyLength;          ///< bytes after de-chunking, kept or not
  double missingBytes;        ///< bytes that fell into gaps inside the message
  uint8_t kind;               ///< http::Kind
  uint8_t protocol;           ///< http::Protocol
  uint8_t integrity;          ///< http::Integrity
  uint8_t httpVersion;        ///< major << 4 | minor
  uint16_t flags;             ///< http::flag::
  uint16_t status;            ///< of a response
  uint32_t connectionOffset;  ///< of the Connection
  uint32_t streamId;          ///< 0 in HTTP/1
  uint32_t headOffset;        ///< start line and headers as sent, the empty line included
  uint32_t headLength;
  uint32_t methodLength;     ///< of a request: the method is head[0, methodLength) after startLineOffset
  uint32_t startLineOffset;  ///< of the start line, relative to the head (empty lines before it are skipped)
  uint32_t textOffset;       ///< target of a request, reason phrase of a response; relative to the head
  uint32_t textLength;
  uint32_t hostIndex;      ///< 1 + index of the Host field, 0 when there is none
  uint32_t suspicious;     ///< http::suspicion:: reasons to look twice
  uint32_t headersOffset;  ///< table of header fields; four offsets each: name start, name end, value start, value end,
                           ///< relative to the head
  uint32_t headersCount;
  uint32_t trailerOffset;  ///< the trailer section as sent
  uint32_t trailerLength;
  uint32_t trailersOffset;  ///< table of trailer fields, relative to the trailer section
  uint32_t trailersCount;
  uint32_t bodyOffset;  ///< in the buffer that bodyBuffer names
  uint32_t bodyKeptLength;
  uint32_t bodyBuffer;  ///< 0: this batch; n: the batch's n-th separate body, counted from 1
  uint32_t reserved;
};
static_assert(sizeof(Record) == 136 && alignof(Record) == 8);

/// The two ends of a connection. In the arena, 8-byte aligned; once for all of a connection's messages in a batch.
struct Connection {
  double id;
  uint8_t clientAddress[16];  ///< IPv4 as an IPv4-mapped address
  uint8_t serverAddress[16];
  uint16_t clientPort;
  uint16_t serverPort;
  uint16_t vlan;              ///< 0xffff without one
  uint8_t ipVersion;          ///< 4 or 6
  uint8_t handshakeSeen;      ///< who is the client is known from the handshake, not guessed from the traffic
  int64_t openTimeNs;         ///< first packet of the connection that was seen
  uint8_t proxiedSource[16];  ///< what a PROXY header told, see proxiedIpVersion
  uint8_t proxiedDestination[16];
  uint16_t proxiedSourcePort;
  uint16_t proxiedDestinationPort;
  uint8_t proxiedIpVersion;  ///< 4 or 6; 0 when there was none, or none with addresses
  uint8_t reserved[3];
  uint32_t handshakeUs;  ///< how long the TCP handshake took, 0 when it was not seen
  uint32_t reserved2;
};
static_assert(sizeof(Connection) == 104 && alignof(Connection) == 8);

enum class ContinuationKind : uint8_t {
  body = 1,    ///< bytes of the body, in order
  gap,         ///< of the body bytes are missing here
  end,         ///< the message is over, and this is what was not known before
  unanswered,  ///< no final response to the request will come
};

/// What becomes known of a message after its record. 8-byte aligned, a multiple of 8 bytes. A batch's continuations are
/// those of messages of this batch or an earlier one, in order.
struct Continuation {
  double id;               ///< of the message
  int64_t timeNs;          ///< body, end: when its last byte was captured; unanswered: when that was known
  double length;           ///< body, gap: bytes; end: of the whole body
  double missingBytes;     ///< end: as in a Record
  uint32_t bytesOffset;    ///< body: in the arena
  uint32_t suspicious;     ///< end: as in a Record
  uint32_t trailerOffset;  ///< end: as in a Record, as what follows
  uint32_t trailerLength;
  uint32_t trailersOffset;
  uint32_t trailersCount;
  uint16_t flags;
  uint8_t integrity;
  uint8_t kind;    ///< ContinuationKind
  uint8_t reason;  ///< unanswered: http::NoResponse; gap: 1 when the bytes were captured, but the consumer was too slow
  uint8_t reserved[3];
};
static_assert(sizeof(Continuation) == 64 && alignof(Continuation) == 8);

/// Starts the buffer.
struct BatchHeader {
  uint32_t recordCount;
  uint32_t recordsOffset;
  uint32_t bodyCount;  ///< separate bodies
  uint32_t continuationCount;
  uint32_t continuationsOffset;
  uint32_t reserved;
};
static_assert(sizeof(BatchHeader) == 24);

}  // namespace flowtap::delivery
