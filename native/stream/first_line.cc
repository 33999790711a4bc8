#include "stream/first_line.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace flowtap::stream {

namespace {

constexpr std::string_view versions[] = {"ICAP/1.", "SIP/2.", "RTSP/1.", "RTSP/2."};
/// RFC 9112, 3.2.4: of HTTP's own methods only OPTIONS has this target.
constexpr std::string_view ssdp[] = {"M-SEARCH * HTTP/1.", "NOTIFY * HTTP/1."};

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// One of the texts, and a digit behind it.
template <size_t count>
bool isNumbered(std::string_view text, const std::string_view (&known)[count]) {
  return !text.empty() && isDigit(text.back()) &&
         std::find(std::begin(known), std::end(known), text.substr(0, text.size() - 1)) != std::end(known);
}

template <size_t size>
std::string_view textOf(const std::array<uint8_t, size>& bytes, size_t from, size_t to) {
  return {reinterpret_cast<const char*>(bytes.data()) + from, to - from};
}

}  // namespace

bool FirstLine::feed(const uint8_t* bytes, size_t length) {
  // Empty lines before it keep a connection alive (RFC 5626, 3.5.1).
  if (length_ == 0)
    for (; length != 0 && (*bytes == '\r' || *bytes == '\n'); length--) bytes++;
  if (length == 0) return false;
  if (length_ == 0 && (*bytes < 'A' || *bytes > 'Z')) {
    finished_ = true;
    return false;
  }
  const size_t looked = std::min(length, maxLineBytes - length_);
  const void* feed = std::memchr(bytes, '\n', looked);
  append(bytes, feed == nullptr ? looked : static_cast<size_t>(static_cast<const uint8_t*>(feed) - bytes));
  finished_ = feed != nullptr || length_ == maxLineBytes;
  return feed != nullptr && isOther();
}

void FirstLine::append(const uint8_t* bytes, size_t length) {
  if (length_ < begin_.size()) std::copy_n(bytes, std::min(length, begin_.size() - length_), begin_.data() + length_);
  const size_t kept = std::min(length, end_.size());
  std::memmove(end_.data(), end_.data() + kept, end_.size() - kept);
  std::copy_n(bytes + length - kept, kept, end_.data() + end_.size() - kept);
  length_ = static_cast<uint16_t>(length_ + length);
}

bool FirstLine::isOther() const {
  const size_t cr = end_.back() == '\r' ? 1 : 0;
  const size_t length = length_ - cr;
  if (length <= begin_.size() && isNumbered(textOf(begin_, 0, length), ssdp)) return true;
  const std::string_view begin = textOf(begin_, 0, std::min(length, begin_.size()));
  if (isNumbered(begin.substr(0, begin.find(' ')), versions)) return true;
  const std::string_view end = textOf(end_, end_.size() - std::min<size_t>(length_, end_.size()), end_.size() - cr);
  const size_t space = end.rfind(' ');
  return space != std::string_view::npos && isNumbered(end.substr(space + 1), versions);
}

}  // namespace flowtap::stream
