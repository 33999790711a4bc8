// The values of a message that expressions ask about, as JavaScript gives them (lib/target.ts, lib/headers.ts,
// lib/match/readers.ts).
#pragma once

#include <string_view>

#include "byte_buffer.h"
#include "http/message.h"

namespace flowtap::http {

inline std::string_view textOf(const uint8_t* bytes, size_t length) {
  return {reinterpret_cast<const char*>(bytes), length};
}

inline std::string_view methodOf(const Message& request) { return textOf(request.head, request.methodLength); }
/// The target of a request, the reason phrase of a response.
inline std::string_view startLineText(const Message& message) {
  return textOf(message.head + message.textOffset, message.textLength);
}

/// RFC 9112, 3.2 and 3.3.
std::string_view pathOf(std::string_view method, std::string_view target);
std::string_view queryOf(std::string_view target);

/// What is before the port; empty data() when the value has no port.
std::string_view withoutPort(std::string_view host);

/// ASCII letters only.
inline char lowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
/// `lower` is in lower case.
bool equalsCaseless(std::string_view text, std::string_view lower);

/// A field value with each line folding as one space (RFC 9112, 5.2), made in `scratch` when there is any.
std::string_view unfolded(std::string_view value, ByteBuffer& scratch);

}  // namespace flowtap::http
