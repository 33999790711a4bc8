// JSON strings as bytes (RFC 8259), exactly as JSON.stringify writes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "text/block.h"
#include "text/pen.h"
#include "text/text_buffer.h"

namespace flowtap::text {

/// One byte takes at most so many: `\u00XX`.
inline constexpr size_t longestEscape = 6;

/// Well-formed UTF-8 (RFC 3629): no surrogates, nothing overlong.
bool isUtf8(const uint8_t* bytes, size_t length);

/// What stands between the quotes of a string whose characters are bytes (ISO 8859-1). Takes room for `longestEscape` a
/// byte, and a block. What lies before `readable` may be read.
void writeLatin1(Pen& pen, const uint8_t* bytes, size_t length, const uint8_t* readable);
/// What stands between the quotes of a string of well-formed UTF-8.
void appendUtf8(TextBuffer& to, const uint8_t* bytes, size_t length);
/// RFC 4648, 4: with padding.
void appendBase64(TextBuffer& to, const uint8_t* bytes, size_t length);

}  // namespace flowtap::text
