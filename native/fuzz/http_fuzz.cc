// HTTP/1 from bytes in pieces, with gaps between them. Input: a byte of options; when messages are selected, a byte
// that says how, one with the length of a program, and the program; then steps: a byte that says what and for which
// side, two bytes of length, and for data as many bytes. Whatever they are, the accounts hold; and where nothing had to
// be searched for, the same bytes cut into pieces of any size give the same messages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "fuzz/accounts.h"
#include "http/http1_handler.h"

using namespace flowtap;
using fuzz::require;
using fuzz::requireEqual;

namespace {

namespace option {
constexpr uint8_t fromMiddle = 1;
constexpr uint8_t withoutBodies = 2;
constexpr uint8_t smallBodies = 4;
constexpr uint8_t littleMemory = 8;
constexpr uint8_t smallHeads = 16;
constexpr uint8_t streaming = 32;
constexpr uint8_t framing = 64;  ///< unless streaming
constexpr uint8_t selecting = 64;
}  // namespace option

struct Told {
  http::Kind kind;
  uint64_t requestId;
  http::Integrity integrity;
  uint16_t flags;
  uint16_t status;
  uint64_t bodyLength;
  uint64_t missingBytes;
  int64_t startNs;
  int64_t endNs;
  std::string head;
  std::string body;
  std::string trailers;
  std::vector<uint32_t> fields;
  bool operator==(const Told&) const = default;
};

class Teller final : public http::MessageSink {
 public:
  explicit Teller(Stats& stats) : stats_(stats) {}

  void deliver(http::Connection& connection, http::Message& message, uint64_t requestId) override {
    const uint64_t id = ++lastId_;
    message.id = id;
    message.dropped = false;
    stats_.delivery_messagesDelivered++;
    require(connection.clientSide == 0 || connection.clientSide == 1, "somebody is the client");
    require(requestId == 0 || (message.kind == http::Kind::response && requests_.count(requestId) != 0),
            "a response is paired with a request that was delivered");
    if (message.kind == http::Kind::request) requests_.insert(id);
    require(message.bodyKept <= message.bodyLength || (message.flags & http::flag::framed) != 0,
            "no more of a body is kept than there was");
    Told& told = all.emplace_back();
    told.kind = message.kind;
    told.requestId = requestId;
    told.status = message.status;
    told.startNs = message.startNs;
    told.head.assign(reinterpret_cast<const char*>(message.head), message.headLength);
    if (message.bodyKept != 0) told.body.assign(reinterpret_cast<const char*>(message.body), message.bodyKept);
    require(uint64_t{message.textOffset} + message.textLength <= message.headLength, "text inside of the head");
    require(message.methodLength <= message.headLength, "method inside of the head");
    require(message.hostIndex <= message.fieldCount, "host is a field");
    addFields(message.fields, message.fieldCount, message.headLength, told.fields);
    if ((message.flags & http::flag::streaming) == 0) tellRest(told, message);
  }
  void body(http::Message& message, const uint8_t* bytes, size_t length) override {
    all.at(message.id - 1).body.append(reinterpret_cast<const char*>(bytes), length);
  }
  void bodyGap(http::Message& message, uint64_t length) override {
    all.at(message.id - 1).body.append("<" + std::to_string(length) + ">");
  }
  void finish(http::Message& message) override {
    require((message.flags & http::flag::streaming) != 0, "only what streams has an end of its own");
    tellRest(all.at(message.id - 1), message);
  }
  void unanswered(uint64_t requestId, http::NoResponse, int64_t) override {
    require(requests_.erase(requestId) == 1, "a request that was delivered, once");
  }

  std::vector<Told> all;

 private:
  /// What is known at the end only.
  static void tellRest(Told& told, const http::Message& message) {
    told.integrity = message.integrity;
    told.flags = message.flags & ~http::flag::streaming;
    told.bodyLength = message.bodyLength;
    told.missingBytes = message.missingBytes;
    told.endNs = message.endNs;
    told.trailers.assign(reinterpret_cast<const char*>(message.trailerStore.data()), message.trailerStore.size());
    addFields(message.trailerFields.data(), message.trailerFields.size(), message.trailerStore.size(), told.fields);
  }
  static void addFields(const http1::FieldSpan* spans, size_t count, size_t length, std::vector<uint32_t>& into) {
    for (size_t i = 0; i < count; i++) {
      const http1::FieldSpan& span = spans[i];
      require(span.nameStart <= span.nameEnd && span.nameEnd <= span.valueStart && span.valueStart <= span.valueEnd &&
                  span.valueEnd <= length,
              "fields inside of their section");
      into.insert(into.end(), {span.nameStart, span.nameEnd, span.valueStart, span.valueEnd});
    }
  }

  Stats& stats_;
  std::unordered_set<uint64_t> requests_;
  uint64_t lastId_ = 0;
};

struct Outcome {
  std::vector<Told> messages;
  Stats stats;
};

http::HttpOptions optionsOf(uint8_t shape) {
  http::HttpOptions options;
  if ((shape & option::withoutBodies) != 0) options.body = http::BodyMode::none;
  if ((shape & option::streaming) != 0) options.body = http::BodyMode::stream;
  options.parser.tellsFraming = (shape & (option::framing | option::streaming)) == option::framing;
  if ((shape & option::smallBodies) != 0) options.maxBodyBytes = 10;
  if ((shape & option::littleMemory) != 0) options.parser.maxPendingBytes = 1024;
  if ((shape & option::smallHeads) != 0) {
    options.parser.maxHeadBytes = 128;
    options.parser.maxFields = 4;
  }
  return options;
}

namespace selects {
constexpr uint8_t exchanges = 1;
constexpr uint8_t together = 2;
constexpr uint8_t interims = 4;
constexpr uint8_t littleMemory = 8;
constexpr uint8_t responses = 16;
}  // namespace selects

/// What stands in for bytes that are no program: response.status in 200..399.
constexpr uint8_t someProgram[] = {1, 0, 12, 0, 6, 7, 2, 0, 1, 0, 4, 0, 200, 0, 143, 1};

http::SelectionOptions selectionOf(uint8_t how, const uint8_t* bytes, size_t length) {
  http::SelectionOptions selection;
  selection.program = http::readMatchProgram(bytes, length);
  if (selection.program == nullptr) selection.program = http::readMatchProgram(someProgram, sizeof someProgram);
  require(selection.program != nullptr, "some program is one");
  selection.exchanges = (how & selects::exchanges) != 0;
  selection.together = selection.exchanges && (how & selects::together) != 0;
  selection.interims = (how & selects::interims) != 0;
  selection.responses = (how & selects::responses) != 0;
  if ((how & selects::littleMemory) != 0) selection.maxUndecidedBytes = 1000;
  return selection;
}

template <typename Piece>
Outcome run(const uint8_t* data, size_t size, Piece nextPiece) {
  Outcome outcome;
  Stats& stats = outcome.stats;
  const uint8_t shape = data[0];
  Teller teller(stats);
  http::HttpOptions options = optionsOf(shape);
  size_t at = 1;
  if ((shape & option::selecting) != 0 && size >= 3) {
    const size_t length = std::min<size_t>(data[2], size - 3);
    options.selection = selectionOf(data[1], data + 3, length);
    at = 3 + length;
  }
  http::Http1Handler handler(options, teller, stats);
  tcp::ConnectionInfo info{};
  info.id = 1;
  info.port[0] = 40000;
  info.port[1] = 80;
  info.initiator = (shape & option::fromMiddle) != 0 ? tcp::unknownSide : 0;
  void* state = nullptr;
  uint64_t offset[2] = {0, 0};
  bool ended[2] = {false, false};
  int64_t nowNs = 1'000;
  while (at + 3 <= size) {
    const uint8_t what = data[at];
    const tcp::Side side = what & 1;
    size_t length = static_cast<size_t>(data[at + 1]) << 8 | data[at + 2];
    at += 3;
    nowNs += 1'000;
    switch (what >> 1 & 7) {
      case 5:
        if (!ended[side] && length != 0) {
          handler.gap(info, state, side, length, (what & 0x80) != 0 ? tcp::GapCause::truncated : tcp::GapCause::lost,
                      nowNs);
          offset[side] += length;
        }
        break;
      case 6:
        handler.end(info, state, side, nowNs);
        ended[side] = true;
        break;
      case 7:
        if (length != 0 && length <= offset[side] && (what & 0x80) != 0)
          handler.conflict(info, state, side, offset[side] - length, length, tcp::ConflictAt::handedOn);
        else
          handler.conflict(info, state, side, offset[side], length, tcp::ConflictAt::next);
        break;
      default: {
        length = std::min(length, size - at);
        const uint8_t* bytes = data + at;
        at += length;
        while (length != 0 && !ended[side]) {
          const size_t piece = std::min(length, std::max<size_t>(nextPiece(), 1));
          // A copy that is gone afterwards: whoever keeps a pointer into it is found out.
          const std::vector<uint8_t> packet(bytes, bytes + piece);
          handler.data(info, state, side, offset[side], packet.data(), packet.size(), nowNs);
          offset[side] += piece;
          bytes += piece;
          length -= piece;
          fuzz::requireMessageAccounts(stats);
        }
      }
    }
  }
  handler.close(info, state, (shape & 0x80) != 0 ? tcp::CloseReason::reset : tcp::CloseReason::finished, nowNs);
  require(state == nullptr, "the state is released");
  fuzz::requireMessageAccounts(stats);
  fuzz::requireNothingOpen(stats);
  requireEqual(teller.all.size(), stats.http_messagesFinished, "messages told");
  require(stats.http_bodyBytes + stats.http_skippedBytes + stats.http_tunnelBytes <= offset[0] + offset[1],
          "no more bytes are accounted for than there were");
  outcome.messages = std::move(teller.all);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Outcome whole = run(data, size, [] { return SIZE_MAX; });
  unsigned state = data[size - 1];
  const unsigned mask = state % 3 == 0 ? 1 : state % 3 == 1 ? 7 : 63;
  const Outcome pieces = run(data, size, [&] {
    state = state * 1103515245 + 12345;
    return state >> 16 & mask;
  });
  // Where a start line has to be searched for, beginnings of segments count; and what limits cut off depends on pieces.
  if ((data[0] & (option::littleMemory | option::smallHeads)) != 0) return 0;
  if ((data[0] & option::selecting) != 0 && size >= 3 && (data[1] & selects::littleMemory) != 0) return 0;
  if (whole.stats.http_skippedBytes != 0) return 0;
  // So they do behind the head of a response whose request is not known.
  for (const Told& told : whole.messages)
    if (told.kind == http::Kind::response && told.requestId == 0) return 0;
  requireEqual(pieces.messages.size(), whole.messages.size(), "messages of pieces and whole");
  require(pieces.messages == whole.messages, "pieces give what the whole gives");
  requireEqual(pieces.stats.http_skippedBytes, 0, "bytes skipped in pieces");
  return 0;
}
