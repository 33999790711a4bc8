// JSON values as bytes (RFC 8259), exactly as JSON.stringify writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "byte_buffer.h"

namespace flowtap::json {

/// Well-formed UTF-8 (RFC 3629): no surrogates, nothing overlong.
bool isUtf8(const uint8_t* bytes, size_t length);

/// Text that needs no escapes.
inline void append(ByteBuffer& to, std::string_view text) {
  to.append(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}
void appendNumber(ByteBuffer& to, uint64_t number);
/// What stands between the quotes of a string whose characters are bytes (ISO 8859-1).
void appendLatin1(ByteBuffer& to, const uint8_t* bytes, size_t length);
/// What stands between the quotes of a string of well-formed UTF-8.
void appendUtf8(ByteBuffer& to, const uint8_t* bytes, size_t length);
/// RFC 4648, 4: with padding.
void appendBase64(ByteBuffer& to, const uint8_t* bytes, size_t length);

}  // namespace flowtap::json
