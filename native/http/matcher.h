// Decides a program on what is known of a message and of the other side of its exchange.
#pragma once

#include <cstdint>
#include <memory>

#include "byte_buffer.h"
#include "http/match_program.h"
#include "http/message.h"
#include "tcp/stream_listener.h"

namespace flowtap::http {

/// In this order: `and` is the least, `or` the greatest, `not` the reverse.
enum class Verdict : uint8_t { no, undecided, yes };

/// One side of an exchange.
struct MatchSubject {
  const Message* message;  ///< null: not known
  bool mayCome;            ///< while it is not known: it may still come
};

struct MatchQuestion {
  const tcp::ConnectionInfo* info;
  tcp::Side client;
  Kind self;  ///< whether it is decided for the request or for the response
  MatchSubject request;
  MatchSubject response;
};

class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const MatchProgram> program) : program_(std::move(program)) {}

  /// False: everything matches.
  bool hasProgram() const { return program_ != nullptr; }
  Verdict decide(const MatchQuestion& question) {
    return hasProgram() ? decideNode(program_->nodes.front(), question) : Verdict::yes;
  }

 private:
  Verdict decideNode(const MatchNode& node, const MatchQuestion& question);
  Verdict decideLogic(const MatchNode& node, const MatchQuestion& question);
  Verdict decideTest(const MatchNode& node, const MatchQuestion& question);
  bool testConnection(const MatchNode& node, const MatchQuestion& question) const;
  bool testMessage(const MatchNode& node, const Message& message);
  bool testHeaders(const MatchNode& node, const Message& message);
  bool testAddress(const MatchNode& node, const tcp::ConnectionInfo& info, tcp::Side side) const;
  bool testNumber(const MatchNode& node, unsigned value) const;
  bool testText(const MatchNode& node, std::string_view value);
  bool matches(const TextPattern& pattern, std::string_view text) const;

  std::shared_ptr<const MatchProgram> program_;
  ByteBuffer unfolded_;
  ByteBuffer lowered_;
};

}  // namespace flowtap::http
