#include "http/match_fields.h"

#include <algorithm>

namespace flowtap::http {

namespace {

bool isSpace(char c) { return c == ' ' || c == '\t'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return lowerCase(c) >= 'a' && lowerCase(c) <= 'z'; }
bool isSchemeChar(char c) { return isLetter(c) || isDigit(c) || c == '+' || c == '.' || c == '-'; }

/// Of 'scheme://' in front (RFC 3986, 3.1 and 3.2); 0 without one.
size_t schemeLength(std::string_view target) {
  if (target.empty() || !isLetter(target[0])) return 0;
  const auto end = static_cast<size_t>(std::find_if_not(target.begin(), target.end(), isSchemeChar) - target.begin());
  return target.substr(end, 3) == "://" ? end + 3 : 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && isSpace(text.back())) text.remove_suffix(1);
  return text;
}

void append(ByteBuffer& to, std::string_view text) {
  to.append(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

}  // namespace

std::string_view pathOf(std::string_view method, std::string_view target) {
  const size_t end = std::min(target.find('?'), target.size());
  if (!target.empty() && target[0] == '/') return target.substr(0, end);
  if (const size_t scheme = schemeLength(target); scheme != 0) {
    const size_t slash = target.find('/', scheme);
    // An empty path means the same as '/' (RFC 9110, 4.2.3).
    return slash == std::string_view::npos || slash > end ? "/" : target.substr(slash, end - slash);
  }
  return method == "CONNECT" ? std::string_view("") : target.substr(0, end);
}

std::string_view queryOf(std::string_view target) {
  const size_t query = target.find('?');
  return query == std::string_view::npos ? std::string_view("") : target.substr(query + 1);
}

std::string_view withoutPort(std::string_view host) {
  size_t end = host.size();
  while (end > 0 && isDigit(host[end - 1])) end--;
  if (end == 0 || host[end - 1] != ':') return {};
  const std::string_view name = host.substr(0, end - 1);
  const bool bracketed = !name.empty() && name[0] == '[' && name.find(']') == name.size() - 1;
  if (!bracketed && name.find(':') != std::string_view::npos) return {};
  return name;
}

bool equalsCaseless(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return lowerCase(a) == b; });
}

std::string_view unfolded(std::string_view value, ByteBuffer& scratch) {
  if (value.find('\n') == std::string_view::npos) return value;
  scratch.clear();
  size_t done = 0;
  for (size_t feed = value.find('\n'); feed != std::string_view::npos; feed = value.find('\n', feed + 1)) {
    if (feed + 1 == value.size() || !isSpace(value[feed + 1])) continue;
    size_t start = feed;
    if (start > done && value[start - 1] == '\r') start--;
    while (start > done && isSpace(value[start - 1])) start--;
    append(scratch, value.substr(done, start - done));
    append(scratch, " ");
    done = feed + 1;
    while (done < value.size() && isSpace(value[done])) done++;
  }
  append(scratch, value.substr(done));
  return trimmed(textOf(scratch.data(), scratch.size()));
}

}  // namespace flowtap::http
