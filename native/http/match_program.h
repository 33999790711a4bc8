// Which messages are wanted: an expression, as lib/match/program-layout.ts describes its bytes. The numbers are the
// same there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tcp/stream_listener.h"

namespace flowtap::http {

enum class MatchOpcode : uint8_t { both = 1, either, negation, exists, text, number, address };
enum class MatchSide : uint8_t { message = 0, request, response };
enum class MatchField : uint8_t {
  kind = 1,
  method,
  target,
  path,
  query,
  host,
  status,
  statusText,
  httpVersion,
  header,
  clientAddress,
  clientPort,
  serverAddress,
  serverPort,
  address,
  port,
};

/// Pieces of text with anything between them; one is exact text.
struct TextPattern {
  uint32_t firstPiece;  ///< in MatchProgram::pieces
  uint32_t pieceCount;
};

/// Both ends included.
struct NumberRange {
  uint16_t low;
  uint16_t high;
};

struct AddressPrefix {
  decode::Address address;
  uint8_t ipVersion;
  uint8_t bits;  ///< of the 16 bytes
};

/// A node, in prefix order.
struct MatchNode {
  MatchOpcode opcode;
  MatchField field;
  MatchSide side;
  bool caseless;
  uint32_t operandCount;    ///< of a test
  uint32_t firstOperand;    ///< of a test: in the vector that its opcode names
  uint32_t end;             ///< index of the node behind this one and all that it has
  std::string_view header;  ///< of MatchField::header: its name in lower case
};

/// A program that was looked over: nothing in it leads outside of it.
struct MatchProgram {
  static constexpr size_t maxDepth = 256;

  MatchProgram() = default;
  MatchProgram(const MatchProgram&) = delete;
  MatchProgram& operator=(const MatchProgram&) = delete;

  std::vector<uint8_t> bytes;    ///< what the views refer to
  std::vector<MatchNode> nodes;  ///< the first one is the root
  std::vector<std::string_view> pieces;
  std::vector<TextPattern> patterns;
  std::vector<NumberRange> ranges;
  std::vector<AddressPrefix> prefixes;
};

/// Null when the bytes are no program.
std::shared_ptr<const MatchProgram> readMatchProgram(const uint8_t* bytes, size_t length);

}  // namespace flowtap::http
