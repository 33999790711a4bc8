#include "http/match_program.h"

#include <cstring>

namespace flowtap::http {

namespace {

constexpr uint8_t version = 1;
constexpr size_t headBytes = 4;
constexpr uint8_t caselessFlag = 1;

enum class ValueType : uint8_t { text, number, address };

ValueType typeOf(MatchField field) {
  switch (field) {
    case MatchField::kind:
    case MatchField::status:
    case MatchField::httpVersion:
    case MatchField::clientPort:
    case MatchField::serverPort:
    case MatchField::port:
      return ValueType::number;
    case MatchField::clientAddress:
    case MatchField::serverAddress:
    case MatchField::address:
      return ValueType::address;
    default:
      return ValueType::text;
  }
}

/// Does the field have values that the test can be made of?
bool fits(MatchOpcode opcode, MatchField field) {
  switch (opcode) {
    case MatchOpcode::text:
      return typeOf(field) == ValueType::text;
    case MatchOpcode::number:
      return typeOf(field) == ValueType::number;
    case MatchOpcode::address:
      return typeOf(field) == ValueType::address;
    default:
      return opcode == MatchOpcode::exists;
  }
}

bool isLogic(MatchOpcode opcode) { return opcode <= MatchOpcode::negation; }

/// Takes the bytes one after the other, never more than there are.
class Reader {
 public:
  explicit Reader(MatchProgram& program)
      : program_(program), at_(program.bytes.data()), end_(program.bytes.data() + program.bytes.size()) {}

  bool program() {
    uint8_t seen = 0;
    uint8_t zero = 0;
    uint16_t length = 0;
    return u8(seen) && u8(zero) && u16(length) && seen == version && zero == 0 && length == left() && node(1) &&
           left() == 0;
  }

 private:
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  bool u8(uint8_t& value) {
    if (left() < 1) return false;
    value = *at_++;
    return true;
  }
  bool u16(uint16_t& value) {
    if (left() < 2) return false;
    value = static_cast<uint16_t>(at_[0] | at_[1] << 8);
    at_ += 2;
    return true;
  }
  bool sized(std::string_view& text) {
    uint16_t length = 0;
    if (!u16(length) || left() < length) return false;
    text = {reinterpret_cast<const char*>(at_), length};
    at_ += length;
    return true;
  }

  bool head(MatchNode& node, uint16_t& count, uint16_t& length) {
    uint8_t opcode = 0;
    uint8_t field = 0;
    uint8_t side = 0;
    uint8_t flags = 0;
    if (!u8(opcode) || !u8(field) || !u8(side) || !u8(flags) || !u16(count) || !u16(length)) return false;
    if (opcode < static_cast<uint8_t>(MatchOpcode::both) || opcode > static_cast<uint8_t>(MatchOpcode::address) ||
        field > static_cast<uint8_t>(MatchField::port) || side > static_cast<uint8_t>(MatchSide::response) ||
        flags > caselessFlag)
      return false;
    node.opcode = static_cast<MatchOpcode>(opcode);
    node.field = static_cast<MatchField>(field);
    node.side = static_cast<MatchSide>(side);
    node.caseless = flags == caselessFlag;
    return length <= left();
  }

  bool node(size_t depth) {
    MatchNode node{};
    uint16_t count = 0;
    uint16_t length = 0;
    if (depth > MatchProgram::maxDepth || !head(node, count, length)) return false;
    const uint8_t* const end = at_ + length;
    const size_t index = program_.nodes.size();
    program_.nodes.push_back(node);
    if (!(isLogic(node.opcode) ? children(node, count, depth) : test(program_.nodes[index], count))) return false;
    program_.nodes[index].end = static_cast<uint32_t>(program_.nodes.size());
    return at_ == end;
  }

  bool children(const MatchNode& node_, uint16_t count, size_t depth) {
    if (node_.field != MatchField{} || count == 0 || (node_.opcode == MatchOpcode::negation && count != 1))
      return false;
    for (uint16_t i = 0; i < count; i++)
      if (!node(depth + 1)) return false;
    return true;
  }

  bool test(MatchNode& node_, uint16_t count) {
    if (node_.field == MatchField{} || !fits(node_.opcode, node_.field)) return false;
    if ((node_.opcode == MatchOpcode::exists) != (count == 0)) return false;
    if (node_.field == MatchField::header && !sized(node_.header)) return false;
    node_.operandCount = count;
    switch (node_.opcode) {
      case MatchOpcode::text:
        return operands(node_, program_.patterns, [this](TextPattern& pattern) { return readPattern(pattern); });
      case MatchOpcode::number:
        return operands(node_, program_.ranges,
                        [this](NumberRange& range) { return u16(range.low) && u16(range.high); });
      case MatchOpcode::address:
        return operands(node_, program_.prefixes, [this](AddressPrefix& prefix) { return readPrefix(prefix); });
      default:
        return true;
    }
  }

  template <typename Operand, typename Read>
  bool operands(MatchNode& node_, std::vector<Operand>& into, Read read) {
    node_.firstOperand = static_cast<uint32_t>(into.size());
    for (uint32_t i = 0; i < node_.operandCount; i++) {
      Operand operand{};
      if (!read(operand)) return false;
      into.push_back(operand);
    }
    return true;
  }

  bool readPattern(TextPattern& pattern) {
    uint16_t count = 0;
    if (!u16(count) || count == 0) return false;
    pattern = {static_cast<uint32_t>(program_.pieces.size()), count};
    for (uint16_t i = 0; i < count; i++) {
      std::string_view piece;
      if (!sized(piece)) return false;
      program_.pieces.push_back(piece);
    }
    return true;
  }

  bool readPrefix(AddressPrefix& prefix) {
    if (!u8(prefix.ipVersion) || !u8(prefix.bits) || left() < sizeof prefix.address.words) return false;
    std::memcpy(prefix.address.words, at_, sizeof prefix.address.words);
    at_ += sizeof prefix.address.words;
    return (prefix.ipVersion == 4 || prefix.ipVersion == 6) && prefix.bits <= 128;
  }

  MatchProgram& program_;
  const uint8_t* at_;
  const uint8_t* const end_;
};

}  // namespace

std::shared_ptr<const MatchProgram> readMatchProgram(const uint8_t* bytes, size_t length) {
  if (length < headBytes) return nullptr;
  auto program = std::make_shared<MatchProgram>();
  program->bytes.assign(bytes, bytes + length);
  if (!Reader(*program).program()) return nullptr;
  return program;
}

}  // namespace flowtap::http
