// An incremental, passive parser of one direction of an HTTP/1 connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "byte_buffer.h"
#include "http1/events.h"
#include "http1/head.h"
#include "http1/start_line.h"
#include "stats.h"

namespace flowtap::http1 {

struct ParserOptions {
  size_t maxHeadBytes = 1u << 20;         ///< longer heads and trailer sections are given up
  uint64_t maxPendingBytes = 256u << 20;  ///< kept of unfinished messages, all connections together
  size_t maxFields = 4096;                ///< likewise with more field lines
  bool tellsFraming = false;              ///< calls Events::onFraming
};

/// What all parsers of a pipeline share.
struct ParserContext {
  ParserContext(const ParserOptions& parserOptions, Events& eventSink, Stats& statistics)
      : options(parserOptions), events(eventSink), stats(statistics), scratch(parserOptions.maxFields) {}
  /// How much more of unfinished messages may be kept.
  uint64_t pendingRoom() const {
    return options.maxPendingBytes > stats.http_pendingBytes ? options.maxPendingBytes - stats.http_pendingBytes : 0;
  }

  const ParserOptions options;
  Events& events;
  Stats& stats;
  Scratch scratch;
  /// What was taken for the beginning of a head, and was none: a message that was found in it lies there until the
  /// packet is done with.
  ByteBuffer lookedThrough;
};

/// Small and without resources while nothing is half-read, so that idle connections are cheap.
class Parser {
 public:
  explicit Parser(bool fromStart) : searching_(!fromStart) {}

  /// `side` and `owner` are handed through to the events.
  void data(ParserContext& context, void* owner, uint8_t side, const uint8_t* bytes, size_t length, int64_t timeNs);
  void gap(ParserContext& context, void* owner, uint8_t side, uint64_t length, Damage damage);
  /// Nothing follows in this direction. `atClose` is what an unfinished message is; one that ends with the connection
  /// is damaged only when `cleanly` is false.
  void end(ParserContext& context, void* owner, uint8_t side, Damage atClose, bool cleanly);
  /// Whatever follows is not HTTP/1.
  void becomeTunnel(ParserContext& context);
  /// The body of which nothing has come yet may never be sent (RFC 9110, 10.1.1). If another request follows in its
  /// place, or the connection ends, the message is over without it.
  void bodyMayBeLeftOut();
  /// Another protocol was recognised: forget everything.
  void abandon(ParserContext& context);

  /// In the middle of a message?
  bool busy() const { return state_ != State::start || partial_ != nullptr; }
  /// Has it understood anything yet?
  bool synchronised() const { return everSynchronised_; }

  /// Knows where it is: what comes next is not searched for.
  bool aligned() const { return !searching_; }
  /// It cannot be told yet whether the body comes.
  bool awaitsBody() const { return bodyAwaited_; }
  bool betweenMessages() const { return state_ == State::start && partial_ == nullptr; }

 private:
  enum class State : uint8_t {
    start,
    body,
    chunkSize,
    chunkExtension,
    chunkData,
    chunkDataEnd,
    trailers,
    untilClose,
    tunnel,
    done,
  };

  /// A head or trailer section of which the end has not come.
  struct Partial {
    ByteBuffer bytes;
    size_t line;      ///< where the last, incomplete line begins
    int64_t startNs;  ///< time of the first byte
    int64_t endNs;    ///< latest time: reordering may put it before the last byte
  };

  size_t readStart(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs);
  size_t continueHead(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs);
  /// `partial` is where the head lies when it came in pieces; otherwise it came at `timeNs`.
  size_t completeHead(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t length, size_t lineCount,
                      Partial* partial, int64_t timeNs);
  /// Counts a head that is beyond the limits, of which `n` bytes were read, and tells of it.
  void giveUpHead(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs);
  /// The body, or the next request? True while that is open; the bytes are kept then.
  bool awaitBody(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs);
  /// It is the body: gives out what was kept of it.
  void takeAwaitedBody(ParserContext&, void* owner, uint8_t side, int64_t timeNs);
  size_t search(ParserContext&, const uint8_t* p, size_t n, size_t from);
  /// Begins `partial_`, whose last line is at `line`. False, and nothing kept, when too much is kept already.
  bool keepPartial(ParserContext&, const uint8_t* p, size_t n, size_t line, int64_t timeNs);
  /// Adds to `partial_` what there is room for, and tells how much that was.
  size_t appendPartial(ParserContext&, const uint8_t* p, size_t n);
  /// Moves `partial_->line` behind the empty line if there is one, else to the last, incomplete line. `partial_` was
  /// looked at up to `before`.
  bool findEmptyLine(size_t before);
  std::unique_ptr<Partial> takePartial(ParserContext&);
  void dropPartial(ParserContext& context) { takePartial(context); }
  /// Gives out a head that will not become complete; false when not even its start line is there.
  bool endPartialHead(ParserContext&, void* owner, uint8_t side, uint64_t missing, Damage damage);
  size_t readChunkSize(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t n);
  /// Gives out the first `used` bytes of `p`, which frame a chunked body.
  static size_t tellFraming(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t used);
  void beginChunk();
  void endChunk();
  size_t readTrailers(ParserContext&, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs);
  void endMessage(ParserContext&, void* owner, uint8_t side, Damage damage, int64_t timeNs);
  void loseFraming(ParserContext&, void* owner, uint8_t side, Damage damage);

  uint64_t remaining_ = 0;  ///< bytes of the body or chunk still to come; while reading a chunk size: the size so far
  std::unique_ptr<Partial> partial_;
  uint32_t skipped_ = 0;  ///< bytes skipped in vain so far, saturating
  State state_ = State::start;
  bool sizeSeen_ : 1 = false;     ///< in a chunk size: a digit was there
  bool afterCr_ : 1 = false;      ///< in a line between chunks: the last byte was CR
  bool doubtful_ : 1 = false;     ///< Framing::doubtful, and nothing of the body has come yet
  bool bodyAwaited_ : 1 = false;  ///< bodyMayBeLeftOut(); `partial_` is what may begin the body or a head
  bool searching_ : 1;            ///< not aligned: a start line must convince
  bool everSynchronised_ : 1 = false;
};

}  // namespace flowtap::http1
