// A message head: start line and header section (RFC 9112, sections 2 to 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "byte_buffer.h"
#include "http1/scan.h"
#include "http1/suspicion.h"

namespace flowtap::http1 {

/// A field line, as offsets from the start of its section. Optional white space around the value is outside.
struct FieldSpan {
  uint32_t nameStart;
  uint32_t nameEnd;
  uint32_t valueStart;
  uint32_t valueEnd;
};

/// The methods that change how a response is framed.
enum class MethodKind : uint8_t { other, head, connect };

/// Of the method that `length` bytes begin with, whatever follows.
MethodKind methodKind(const uint8_t* p, size_t length);

struct Head {
  const uint8_t* bytes;
  uint32_t length;      ///< the empty line included
  ByteBuffer* storage;  ///< holds `bytes` when they are not in the packet; its content may be taken
  bool incomplete;      ///< cut off by a gap or the end of the stream; holds the lines that were complete
  bool isRequest;
  uint8_t version;
  uint16_t status;
  uint32_t methodLength;
  uint32_t textOffset;
  uint32_t textLength;
  uint32_t hostIndex;  ///< 1 + index of the Host field, 0 without one
  MethodKind method;
  uint32_t suspicious;  ///< suspicion:: bits
  bool hasTransferEncoding;
  bool chunked;           ///< the last transfer coding is chunked
  bool hasContentLength;  ///< and it is valid
  uint64_t contentLength;
  bool expectsContinue;  ///< Expect: 100-continue (RFC 9110, 10.1.1)
  const FieldSpan* fields;
  size_t fieldCount;
};

/// Memory that parsing needs, one for all connections of a pipeline.
struct Scratch {
  explicit Scratch(size_t maxFields) : marks(maxFields + 1), fields(maxFields), trailerFields(maxFields + 1) {}
  std::vector<LineMark> marks;
  std::vector<FieldSpan> fields;
  std::vector<FieldSpan> trailerFields;  ///< of its own, because the head's may still be in use
  uint64_t controls = 0;                 ///< what scanLines() said of the lines in `marks`
};

/// Fills `head` from `lineCount` lines of p, the first of which is the start line. `scratch` has what scanLines() said
/// of them. False when the start line is none.
bool parseHead(const uint8_t* p, size_t length, size_t lineCount, Scratch& scratch, Head& head);

/// Fills `fields` from lines without a start line, such as a trailer section. Returns how many there are, and adds to
/// `suspects`.
size_t parseFields(const uint8_t* p, const LineMark* marks, size_t lineCount, size_t lineStart, FieldSpan* fields,
                   uint32_t& suspects);

/// The control characters of a section of `lineCount` lines and the empty one: adds to `suspicious` those that should
/// not be there. `controls` is how many there are, so that an ordinary section need not be looked at again.
void noteControls(const uint8_t* p, size_t length, size_t lineCount, uint64_t controls, uint32_t& suspicious);

}  // namespace flowtap::http1
