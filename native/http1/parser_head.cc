// The parser where a message begins: finding start lines, and putting heads together.
#include <algorithm>
#include <cstring>
#include <utility>

#include "http1/parser.h"

namespace flowtap::http1 {

namespace {

/// After so many bytes without any HTTP, only the beginnings of segments are looked at: it is some other protocol, or a
/// body whose head was not captured.
constexpr uint32_t searchEffortBytes = 64 * 1024;
/// A start line that was not refused by then will not be before its end.
constexpr size_t settledBytes = maxMethodBytes + 64;

}  // namespace

size_t Parser::readStart(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n,
                         int64_t timeNs) {
  // Empty lines before a start line are ignored (RFC 9112, 2.2).
  size_t at = 0;
  if (!searching_) {
    while (at < n && (p[at] == '\r' || p[at] == '\n')) at++;
    if (at != 0) return at;
  }
  Verdict verdict = classifyStart(p, n, searching_ ? Rigour::strict : Rigour::lenient);
  if (verdict == Verdict::no) {
    at = search(context, p, n, 0);
    if (at == n) return n;
    p += at;
    n -= at;
    verdict = classifyStart(p, n, Rigour::strict);
  }
  size_t line = 0;
  if (verdict != Verdict::needMore) {
    size_t lines = 0, length = 0;
    switch (scanLines(p, std::min<size_t>(n, UINT32_MAX), context.scratch.marks.data(), context.scratch.marks.size(),
                      lines, length, context.scratch.controls)) {
      case ScanResult::complete:
        if (length > context.options.maxHeadBytes) {
          giveUpHead(context, owner, side, p, length, timeNs);
          return at + length;
        }
        return at + completeHead(context, owner, side, p, length, lines, nullptr, timeNs);
      case ScanResult::incomplete:
        line = length;
        break;
      case ScanResult::tooManyLines:
        giveUpHead(context, owner, side, p, length, timeNs);
        return at + length;
    }
  }
  if (!keepPartial(context, p, n, line, timeNs)) giveUpHead(context, owner, side, p, n, timeNs);
  return at + n;
}

void Parser::giveUpHead(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs) {
  context.stats.http_headsTooLarge++;
  context.stats.http_skippedBytes += n;
  const bool convinces = !searching_;
  searching_ = true;
  SkippedHead head{};
  StartLine line;
  const void* feed = std::memchr(p, '\n', n);
  if (feed != nullptr && parseStartLine(p, static_cast<size_t>(static_cast<const uint8_t*>(feed) - p), line)) {
    head.isRequest = line.isRequest;
    head.status = line.status;
  } else if (convinces) {
    head.isRequest = n < 5 || std::memcmp(p, "HTTP/", 5) != 0;
  } else {
    return;
  }
  if (head.isRequest) head.method = methodKind(p, n);
  context.events.onSkippedHead(owner, side, head, timeNs);
}

/// Finds where a start line may begin at or behind `from`, and counts what lies before as skipped. n when nowhere.
size_t Parser::search(ParserContext& context, const uint8_t* p, size_t n, size_t from) {
  searching_ = true;
  size_t at = n;
  if (everSynchronised_ || skipped_ < searchEffortBytes) {
    for (at = nextCandidate(p, n, from); at < n; at = nextCandidate(p, n, at + 1))
      if (classifyStart(p + at, n - at, Rigour::strict) != Verdict::no) break;
  }
  skipped_ = static_cast<uint32_t>(std::min<uint64_t>(UINT32_MAX, uint64_t{skipped_} + at));
  context.stats.http_skippedBytes += at;
  return at;
}

size_t Parser::continueHead(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n,
                            int64_t timeNs) {
  partial_->endNs = std::max(partial_->endNs, timeNs);
  const ByteBuffer& kept = partial_->bytes;
  const size_t before = kept.size();
  const size_t taken = appendPartial(context, p, n);
  const uint8_t* all = kept.data();
  const size_t size = kept.size();

  // Is the start line itself still in doubt? Once it is only the line feed that is missing, wait for that.
  if (partial_->line == 0 &&
      (before < settledBytes || (searching_ && size > maxStrictLineBytes) || std::memchr(p, '\n', taken) != nullptr)) {
    const Verdict verdict = classifyStart(all, size, searching_ ? Rigour::strict : Rigour::lenient);
    if (verdict == Verdict::no) {
      // Look through what was kept; it comes before what is left of p.
      ByteBuffer& looked = context.lookedThrough;
      looked.swap(takePartial(context)->bytes);
      const size_t at = search(context, looked.data(), looked.size(), 0);
      if (at < looked.size()) data(context, owner, side, looked.data() + at, looked.size() - at, timeNs);
      return taken;
    }
  }

  if (!findEmptyLine(before)) {
    if (taken < n || size >= context.options.maxHeadBytes) {
      giveUpHead(context, owner, side, all, size, timeNs);
      dropPartial(context);
    }
    return taken;
  }

  const std::unique_ptr<Partial> partial = takePartial(context);
  const size_t line = partial->line;
  const size_t consumed = line - before;
  size_t lines = 0, length = 0;
  if (scanLines(all, line, context.scratch.marks.data(), context.scratch.marks.size(), lines, length,
                context.scratch.controls) == ScanResult::complete) {
    partial->bytes.truncate(length);
    completeHead(context, owner, side, all, length, lines, partial.get(), timeNs);
  } else {
    giveUpHead(context, owner, side, all, line, timeNs);
  }
  return consumed;
}

size_t Parser::completeHead(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t length,
                            size_t lineCount, Partial* partial, int64_t timeNs) {
  Head head;
  if (!parseHead(p, length, lineCount, context.scratch, head)) {
    searching_ = true;
    context.stats.http_skippedBytes += length;
    return length;
  }
  if (searching_ && everSynchronised_) context.stats.http_resyncs++;
  searching_ = false;
  everSynchronised_ = true;
  if (partial != nullptr) head.storage = &partial->bytes;
  // Anything the handler does with this parser (becomeTunnel) must find it between messages.
  state_ = State::start;
  const Framing framing = context.events.onHead(owner, side, head, partial == nullptr ? timeNs : partial->startNs,
                                                partial == nullptr ? timeNs : partial->endNs);
  switch (framing.kind) {
    case Framing::Kind::none:
      endMessage(context, owner, side, Damage::none, timeNs);
      break;
    case Framing::Kind::length:
      remaining_ = framing.length;
      if (remaining_ == 0)
        endMessage(context, owner, side, Damage::none, timeNs);
      else
        state_ = State::body;
      break;
    case Framing::Kind::chunked:
      beginChunk();
      break;
    case Framing::Kind::untilClose:
      state_ = State::untilClose;
      break;
    case Framing::Kind::tunnel:
      endMessage(context, owner, side, Damage::none, timeNs);
      state_ = State::tunnel;
      break;
  }
  doubtful_ = framing.doubtful && state_ != State::start;
  return length;
}

bool Parser::endPartialHead(ParserContext& context, void* owner, uint8_t side, uint64_t missing, Damage damage) {
  const ByteBuffer& kept = partial_->bytes;
  if (partial_->line == 0) {
    context.stats.http_skippedBytes += kept.size();
    return false;
  }
  size_t lines = 0, length = 0;
  if (scanLines(kept.data(), kept.size(), context.scratch.marks.data(), context.scratch.marks.size(), lines, length,
                context.scratch.controls) != ScanResult::incomplete)
    return false;
  context.scratch.controls = UINT64_MAX;  // of an incomplete section not known
  Head head;
  if (!parseHead(kept.data(), length, lines, context.scratch, head)) return false;
  const std::unique_ptr<Partial> partial = takePartial(context);
  context.stats.http_skippedBytes += partial->bytes.size() - length;
  partial->bytes.truncate(length);
  head.storage = &partial->bytes;
  head.incomplete = true;
  // What is not there may be in the part that is missing.
  head.suspicious &= ~suspicion::missingHost;
  everSynchronised_ = true;
  context.events.onHead(owner, side, head, partial->startNs, partial->endNs);
  if (missing != 0) context.events.onMissing(owner, side, missing, 0, damage);
  endMessage(context, owner, side, damage, 0);
  return true;
}

bool Parser::keepPartial(ParserContext& context, const uint8_t* p, size_t n, size_t line, int64_t timeNs) {
  if (ByteBuffer().growth(n) > context.pendingRoom()) return false;
  partial_ = std::make_unique<Partial>(Partial{ByteBuffer(), line, timeNs, timeNs});
  partial_->bytes.append(p, n);
  context.stats.http_pendingBytes += partial_->bytes.capacity();
  return true;
}

size_t Parser::appendPartial(ParserContext& context, const uint8_t* p, size_t n) {
  ByteBuffer& kept = partial_->bytes;
  const size_t before = kept.size();
  const size_t room = context.options.maxHeadBytes > before ? context.options.maxHeadBytes - before : 0;
  size_t taken = std::min(n, room);
  const size_t capacity = kept.capacity();
  if (kept.growth(taken) > context.pendingRoom()) taken = std::min(taken, capacity - before);
  kept.append(p, taken);
  context.stats.http_pendingBytes += kept.capacity() - capacity;
  return taken;
}

bool Parser::findEmptyLine(size_t before) {
  const uint8_t* all = partial_->bytes.data();
  const size_t size = partial_->bytes.size();
  size_t line = partial_->line;
  size_t from = std::max<size_t>(line, before);
  bool found = false;
  while (!found && from < size) {
    const void* feed = std::memchr(all + from, '\n', size - from);
    if (feed == nullptr) break;
    const size_t at = static_cast<size_t>(static_cast<const uint8_t*>(feed) - all);
    const size_t length = at - line;
    line = at + 1;
    from = line;
    found = length == 0 || (length == 1 && all[at - 1] == '\r');
  }
  partial_->line = line;
  return found;
}

std::unique_ptr<Parser::Partial> Parser::takePartial(ParserContext& context) {
  if (partial_ != nullptr) context.stats.http_pendingBytes -= partial_->bytes.capacity();
  return std::move(partial_);
}

}  // namespace flowtap::http1
