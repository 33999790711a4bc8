#include "http1/parser.h"

#include <algorithm>
#include <cstring>

namespace flowtap::http1 {

namespace {

/// After so many bytes without any HTTP, only the beginnings of segments are looked at: it is some other protocol, or a body whose
/// head was not captured.
constexpr uint32_t searchEffortBytes = 64 * 1024;

int hexDigit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

void Parser::data(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs) {
  while (n != 0) {
    size_t used = 0;
    switch (state_) {
      case State::start:
        used = partial_ != nullptr ? continueHead(context, owner, side, p, n, timeNs)
                                   : readStart(context, owner, side, p, n, timeNs);
        break;
      case State::body:
      case State::chunkData: {
        used = static_cast<size_t>(std::min<uint64_t>(n, remaining_));
        context.events.onBody(owner, side, p, used, timeNs);
        remaining_ -= used;
        if (remaining_ == 0) {
          if (state_ == State::chunkData)
            state_ = State::chunkDataEnd;
          else
            endMessage(context, owner, side, Damage::none, timeNs);
        }
        break;
      }
      case State::chunkSize:
      case State::chunkExtension:
      case State::chunkDataEnd:
        used = readChunkSize(context, owner, side, p, n, timeNs);
        break;
      case State::trailers:
        used = readTrailers(context, owner, side, p, n, timeNs);
        break;
      case State::untilClose:
        context.events.onBody(owner, side, p, n, timeNs);
        used = n;
        break;
      case State::tunnel:
        context.events.onTunnel(owner, side, n);
        used = n;
        break;
      case State::done:
        used = n;
        break;
    }
    p += used;
    n -= used;
  }
}

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
  startNs_ = timeNs;
  if (verdict != Verdict::needMore) {
    size_t lines = 0, length = 0;
    switch (scanLines(p, std::min<size_t>(n, UINT32_MAX), context.scratch.marks.data(), context.scratch.marks.size(),
                      lines, length)) {
      case ScanResult::complete:
        return at + completeHead(context, owner, side, p, length, lines, nullptr, timeNs);
      case ScanResult::incomplete:
        partialLine_ = static_cast<uint32_t>(length);
        break;
      case ScanResult::tooManyLines:
        context.stats.http_headsTooLarge++;
        context.stats.http_skippedBytes += length;
        searching_ = true;
        return at + length;
    }
  } else {
    partialLine_ = 0;
  }
  keepPartial(context, p, n);
  return at + n;
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
  const size_t before = partial_->size();
  const size_t room = context.options.maxHeadBytes > before ? context.options.maxHeadBytes - before : 0;
  const size_t taken = std::min(n, room);
  partial_->append(p, taken);
  context.stats.http_pendingBytes += taken;
  const uint8_t* all = partial_->data();
  const size_t size = partial_->size();

  if (partialLine_ == 0) {
    // The start line itself is still in doubt.
    const Verdict verdict = classifyStart(all, size, searching_ ? Rigour::strict : Rigour::lenient);
    if (verdict == Verdict::no) {
      // Look through what was kept; it comes before what is left of p.
      ByteBuffer kept;
      kept.swap(*partial_);
      context.stats.http_pendingBytes -= kept.size();
      delete partial_;
      partial_ = nullptr;
      const size_t at = search(context, kept.data(), kept.size(), 0);
      if (at < kept.size()) data(context, owner, side, kept.data() + at, kept.size() - at, timeNs);
      return taken;
    }
  }

  // Find the empty line: only what is new has to be looked at.
  size_t line = partialLine_;
  size_t from = std::max<size_t>(line, before);
  bool complete = false;
  while (from < size) {
    const void* feed = std::memchr(all + from, '\n', size - from);
    if (feed == nullptr) break;
    const size_t at = static_cast<size_t>(static_cast<const uint8_t*>(feed) - all);
    const size_t length = at - line;
    line = at + 1;
    from = line;
    if (length == 0 || (length == 1 && all[at - 1] == '\r')) {
      complete = true;
      break;
    }
  }
  partialLine_ = static_cast<uint32_t>(line);
  if (!complete) {
    if (taken < n || room == 0) {
      context.stats.http_headsTooLarge++;
      context.stats.http_skippedBytes += size;
      dropPartial(context);
      searching_ = true;
    }
    return taken;
  }

  ByteBuffer* storage = partial_;
  partial_ = nullptr;
  context.stats.http_pendingBytes -= size;
  const size_t consumed = line - before;
  size_t lines = 0, length = 0;
  if (scanLines(all, line, context.scratch.marks.data(), context.scratch.marks.size(), lines, length) ==
      ScanResult::complete) {
    storage->truncate(length);
    completeHead(context, owner, side, all, length, lines, storage, timeNs);
  } else {
    context.stats.http_headsTooLarge++;
    context.stats.http_skippedBytes += line;
    searching_ = true;
  }
  delete storage;
  return consumed;
}

size_t Parser::completeHead(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t length,
                            size_t lineCount, ByteBuffer* storage, int64_t timeNs) {
  Head head;
  if (!parseHead(p, length, lineCount, context.scratch, head)) {
    searching_ = true;
    context.stats.http_skippedBytes += length;
    return length;
  }
  if (searching_ && everSynchronised_) context.stats.http_resyncs++;
  searching_ = false;
  everSynchronised_ = true;
  head.storage = storage;
  // Anything the handler does with this parser (becomeTunnel) must find it between messages.
  state_ = State::start;
  const Framing framing = context.events.onHead(owner, side, head, startNs_, timeNs);
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
      state_ = State::chunkSize;
      remaining_ = 0;
      sizeDigits_ = 0;
      break;
    case Framing::Kind::untilClose:
      state_ = State::untilClose;
      break;
    case Framing::Kind::tunnel:
      endMessage(context, owner, side, Damage::none, timeNs);
      state_ = State::tunnel;
      break;
  }
  return length;
}

/// The line between chunks: CRLF behind the data, then the size in hexadecimal, then perhaps extensions (RFC 9112, 7.1).
size_t Parser::readChunkSize(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n,
                             int64_t /*timeNs*/) {
  size_t at = 0;
  while (at < n) {
    const uint8_t c = p[at];
    if (state_ == State::chunkDataEnd) {
      if (c != '\r' && c != '\n') {
        loseFraming(context, owner, side, Damage::aborted);
        return at;
      }
      at++;
      if (c == '\n') {
        state_ = State::chunkSize;
        remaining_ = 0;
        sizeDigits_ = 0;
      }
      continue;
    }
    if (state_ == State::chunkSize) {
      const int digit = hexDigit(c);
      if (digit >= 0) {
        if (remaining_ >> 49 != 0) {  // beyond 2^53
          loseFraming(context, owner, side, Damage::aborted);
          return at;
        }
        remaining_ = remaining_ << 4 | static_cast<unsigned>(digit);
        sizeDigits_ = 1;
        at++;
        continue;
      }
      if (sizeDigits_ == 0) {
        if (c == ' ' || c == '\t') {
          at++;
          continue;
        }
        loseFraming(context, owner, side, Damage::aborted);
        return at;
      }
      state_ = State::chunkExtension;
    }
    // Extensions are skipped.
    const void* feed = std::memchr(p + at, '\n', n - at);
    if (feed == nullptr) return n;
    at = static_cast<size_t>(static_cast<const uint8_t*>(feed) - p) + 1;
    if (remaining_ == 0) {
      state_ = State::trailers;
      partialLine_ = 0;
    } else {
      state_ = State::chunkData;
    }
    return at;
  }
  return at;
}

size_t Parser::readTrailers(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n,
                            int64_t timeNs) {
  size_t taken = n;
  const uint8_t* all = p;
  size_t size = n;
  size_t before = 0;
  if (partial_ != nullptr) {
    before = partial_->size();
    const size_t room = context.options.maxHeadBytes > before ? context.options.maxHeadBytes - before : 0;
    taken = std::min(n, room);
    partial_->append(p, taken);
    context.stats.http_pendingBytes += taken;
    all = partial_->data();
    size = partial_->size();
  }
  size_t lines = 0, length = 0;
  const ScanResult result = scanLines(all, std::min<size_t>(size, UINT32_MAX), context.scratch.marks.data(),
                                      context.scratch.marks.size(), lines, length);
  if (result == ScanResult::complete) {
    if (lines > 0) {
      bool obsFold = false;
      const size_t count =
          parseFields(all, context.scratch.marks.data(), lines, 0, context.scratch.trailerFields.data(), obsFold);
      context.events.onTrailers(owner, side, all, length, context.scratch.trailerFields.data(), count, obsFold);
    }
    dropPartial(context);
    endMessage(context, owner, side, Damage::none, timeNs);
    return length - before;
  }
  if (result == ScanResult::tooManyLines || (taken < n && partial_ != nullptr) ||
      size >= context.options.maxHeadBytes) {
    context.stats.http_headsTooLarge++;
    context.stats.http_skippedBytes += size;
    loseFraming(context, owner, side, Damage::aborted);
    return taken;
  }
  if (partial_ == nullptr) keepPartial(context, p, n);
  return taken;
}

void Parser::gap(ParserContext& context, void* owner, uint8_t side, uint64_t length, Damage damage) {
  switch (state_) {
    case State::start:
      if (partial_ != nullptr && !endPartialHead(context, owner, side, length, damage)) dropPartial(context);
      searching_ = true;
      break;
    case State::body: {
      const uint64_t inside = std::min(length, remaining_);
      context.events.onMissing(owner, side, inside, inside, damage);
      remaining_ -= inside;
      if (remaining_ == 0) {
        endMessage(context, owner, side, damage, 0);
        // Whatever else fell into the gap is unknown.
        if (length > inside) searching_ = true;
      }
      break;
    }
    case State::chunkData:
      if (length < remaining_) {
        context.events.onMissing(owner, side, length, length, damage);
        remaining_ -= length;
        break;
      }
      if (length == remaining_) {
        context.events.onMissing(owner, side, length, length, damage);
        remaining_ = 0;
        state_ = State::chunkDataEnd;
        break;
      }
      [[fallthrough]];
    case State::chunkSize:
    case State::chunkExtension:
    case State::chunkDataEnd:
    case State::trailers:
      context.events.onMissing(owner, side, length, state_ == State::chunkData ? remaining_ : 0, damage);
      loseFraming(context, owner, side, damage);
      break;
    case State::untilClose:
      context.events.onMissing(owner, side, length, length, damage);
      break;
    case State::tunnel:
    case State::done:
      break;
  }
}

void Parser::end(ParserContext& context, void* owner, uint8_t side, Damage atClose, bool cleanly) {
  switch (state_) {
    case State::start:
      if (partial_ != nullptr && !endPartialHead(context, owner, side, 0, atClose)) dropPartial(context);
      break;
    case State::untilClose:
      endMessage(context, owner, side, cleanly ? Damage::none : atClose, 0);
      break;
    case State::body:
    case State::chunkSize:
    case State::chunkExtension:
    case State::chunkData:
    case State::chunkDataEnd:
    case State::trailers:
      dropPartial(context);
      endMessage(context, owner, side, atClose, 0);
      break;
    case State::tunnel:
    case State::done:
      break;
  }
  state_ = State::done;
}

bool Parser::endPartialHead(ParserContext& context, void* owner, uint8_t side, uint64_t missing, Damage damage) {
  if (partialLine_ == 0) {
    context.stats.http_skippedBytes += partial_->size();
    return false;
  }
  size_t lines = 0, length = 0;
  if (scanLines(partial_->data(), partial_->size(), context.scratch.marks.data(), context.scratch.marks.size(), lines,
                length) != ScanResult::incomplete)
    return false;
  Head head;
  if (!parseHead(partial_->data(), length, lines, context.scratch, head)) return false;
  ByteBuffer* storage = partial_;
  partial_ = nullptr;
  context.stats.http_pendingBytes -= storage->size();
  context.stats.http_skippedBytes += storage->size() - length;
  storage->truncate(length);
  head.storage = storage;
  head.incomplete = true;
  everSynchronised_ = true;
  context.events.onHead(owner, side, head, startNs_, startNs_);
  if (missing != 0) context.events.onMissing(owner, side, missing, 0, damage);
  delete storage;
  endMessage(context, owner, side, damage, 0);
  return true;
}

void Parser::becomeTunnel(ParserContext& context) {
  dropPartial(context);
  state_ = State::tunnel;
}

void Parser::abandon(ParserContext& context) {
  dropPartial(context);
  state_ = State::done;
}

void Parser::endMessage(ParserContext& context, void* owner, uint8_t side, Damage damage, int64_t timeNs) {
  state_ = State::start;
  context.events.onMessageEnd(owner, side, damage, timeNs);
}

void Parser::loseFraming(ParserContext& context, void* owner, uint8_t side, Damage damage) {
  dropPartial(context);
  endMessage(context, owner, side, damage, 0);
  searching_ = true;
}

void Parser::keepPartial(ParserContext& context, const uint8_t* p, size_t n) {
  partial_ = new ByteBuffer();
  partial_->append(p, n);
  context.stats.http_pendingBytes += n;
}

void Parser::dropPartial(ParserContext& context) {
  if (partial_ == nullptr) return;
  context.stats.http_pendingBytes -= partial_->size();
  delete partial_;
  partial_ = nullptr;
}

}  // namespace flowtap::http1
