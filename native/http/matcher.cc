#include "http/matcher.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/match_fields.h"

namespace flowtap::http {

namespace {

bool isOfConnection(MatchField field) { return field >= MatchField::clientAddress; }

/// Fields that messages of the other kind do not have.
bool isOfOtherKind(MatchField field, Kind kind) {
  switch (field) {
    case MatchField::method:
    case MatchField::target:
    case MatchField::path:
    case MatchField::query:
    case MatchField::host:
      return kind != Kind::request;
    case MatchField::status:
    case MatchField::statusText:
      return kind != Kind::response;
    default:
      return false;
  }
}

bool beginsWith(const decode::Address& address, const AddressPrefix& prefix) {
  const auto* a = reinterpret_cast<const uint8_t*>(address.words);
  const auto* b = reinterpret_cast<const uint8_t*>(prefix.address.words);
  const size_t whole = prefix.bits / 8;
  if (std::memcmp(a, b, whole) != 0) return false;
  const unsigned rest = prefix.bits % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

}  // namespace

// ---- logic ----

Verdict Matcher::decideNode(const MatchNode& node, const MatchQuestion& question) {
  return node.opcode <= MatchOpcode::negation ? decideLogic(node, question) : decideTest(node, question);
}

Verdict Matcher::decideLogic(const MatchNode& node, const MatchQuestion& question) {
  const MatchNode* const nodes = program_->nodes.data();
  const MatchNode* child = &node + 1;
  if (node.opcode == MatchOpcode::negation)
    return static_cast<Verdict>(2 - static_cast<uint8_t>(decideNode(*child, question)));
  const bool isAnd = node.opcode == MatchOpcode::both;
  const Verdict deciding = isAnd ? Verdict::no : Verdict::yes;
  Verdict verdict = isAnd ? Verdict::yes : Verdict::no;
  for (; child != nodes + node.end; child = nodes + child->end) {
    const Verdict one = decideNode(*child, question);
    if (one == deciding) return deciding;
    verdict = isAnd ? std::min(verdict, one) : std::max(verdict, one);
  }
  return verdict;
}

// ---- tests ----

Verdict Matcher::decideTest(const MatchNode& node, const MatchQuestion& question) {
  const auto decided = [](bool holds) { return holds ? Verdict::yes : Verdict::no; };
  const Kind kind = node.side == MatchSide::message ? question.self : static_cast<Kind>(node.side);
  if (node.side == MatchSide::message) {
    // Known whether the message is or not.
    if (isOfConnection(node.field)) return decided(testConnection(node, question));
    if (node.field == MatchField::kind)
      return decided(node.opcode == MatchOpcode::exists || testNumber(node, static_cast<unsigned>(kind)));
  }
  if (isOfOtherKind(node.field, kind)) return Verdict::no;
  const MatchSubject& subject = kind == Kind::request ? question.request : question.response;
  if (subject.message == nullptr) return subject.mayCome ? Verdict::undecided : Verdict::no;
  return decided(isOfConnection(node.field) ? testConnection(node, question) : testMessage(node, *subject.message));
}

bool Matcher::testConnection(const MatchNode& node, const MatchQuestion& question) const {
  if (node.opcode == MatchOpcode::exists) return true;
  const tcp::ConnectionInfo& info = *question.info;
  const tcp::Side client = question.client;
  const tcp::Side server = tcp::other(client);
  switch (node.field) {
    case MatchField::clientAddress:
      return testAddress(node, info, client);
    case MatchField::serverAddress:
      return testAddress(node, info, server);
    case MatchField::address:
      return testAddress(node, info, client) || testAddress(node, info, server);
    case MatchField::clientPort:
      return testNumber(node, info.port[client]);
    case MatchField::serverPort:
      return testNumber(node, info.port[server]);
    default:
      return testNumber(node, info.port[client]) || testNumber(node, info.port[server]);
  }
}

bool Matcher::testMessage(const MatchNode& node, const Message& message) {
  switch (node.field) {
    case MatchField::method:
      return testText(node, methodOf(message));
    case MatchField::target:
    case MatchField::statusText:
      return testText(node, startLineText(message));
    case MatchField::path:
      return testText(node, pathOf(methodOf(message), startLineText(message)));
    case MatchField::query:
      return testText(node, queryOf(startLineText(message)));
    case MatchField::host:
    case MatchField::header:
      return testHeaders(node, message);
    case MatchField::kind:
      return testNumber(node, static_cast<unsigned>(message.kind));
    case MatchField::status:
      return testNumber(node, message.status);
    default:
      return testNumber(node, message.version);
  }
}

bool Matcher::testHeaders(const MatchNode& node, const Message& message) {
  const bool isHost = node.field == MatchField::host;
  const std::string_view name = isHost ? "host" : node.header;
  for (uint32_t i = 0; i < message.fieldCount; i++) {
    const http1::FieldSpan& span = message.fields[i];
    if (!equalsCaseless(textOf(message.head + span.nameStart, span.nameEnd - span.nameStart), name)) continue;
    std::string_view value = textOf(message.head + span.valueStart, span.valueEnd - span.valueStart);
    if ((message.flags & flag::obsFold) != 0) value = unfolded(value, unfolded_);
    if (testText(node, value)) return true;
    if (!isHost) continue;
    const std::string_view host = withoutPort(value);
    if (host.data() != nullptr && testText(node, host)) return true;
  }
  return false;
}

bool Matcher::testAddress(const MatchNode& node, const tcp::ConnectionInfo& info, tcp::Side side) const {
  const AddressPrefix* prefixes = program_->prefixes.data() + node.firstOperand;
  return std::any_of(prefixes, prefixes + node.operandCount, [&](const AddressPrefix& prefix) {
    return prefix.ipVersion == info.ipVersion && beginsWith(info.address[side], prefix);
  });
}

bool Matcher::testNumber(const MatchNode& node, unsigned value) const {
  if (node.opcode == MatchOpcode::exists) return true;
  const NumberRange* ranges = program_->ranges.data() + node.firstOperand;
  return std::any_of(ranges, ranges + node.operandCount,
                     [&](const NumberRange& range) { return value >= range.low && value <= range.high; });
}

bool Matcher::testText(const MatchNode& node, std::string_view value) {
  if (node.opcode == MatchOpcode::exists) return true;
  if (node.caseless) {
    lowered_.clear();
    auto* lowered = reinterpret_cast<char*>(lowered_.extend(value.size()));
    std::transform(value.begin(), value.end(), lowered, lowerCase);
    value = {lowered, value.size()};
  }
  const TextPattern* patterns = program_->patterns.data() + node.firstOperand;
  return std::any_of(patterns, patterns + node.operandCount,
                     [&](const TextPattern& pattern) { return matches(pattern, value); });
}

bool Matcher::matches(const TextPattern& pattern, std::string_view text) const {
  const std::string_view* piece = program_->pieces.data() + pattern.firstPiece;
  const std::string_view* const last = piece + pattern.pieceCount - 1;
  if (piece == last) return text == *piece;
  if (!text.starts_with(*piece)) return false;
  text.remove_prefix(piece->size());
  for (piece++; piece != last; piece++) {
    if (piece->empty()) continue;
    // Linear, which std::string_view::find() is not.
    const void* found = memmem(text.data(), text.size(), piece->data(), piece->size());
    if (found == nullptr) return false;
    text.remove_prefix(static_cast<size_t>(static_cast<const char*>(found) - text.data()) + piece->size());
  }
  return text.ends_with(*last);
}

}  // namespace flowtap::http
