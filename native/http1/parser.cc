#include "http1/parser.h"

#include <algorithm>
#include <cstring>

namespace flowtap::http1 {

namespace {

int hexDigit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Nothing odd in the line at p, which classifyStart() took for a request's. A body and the request behind it may
/// look like one line.
bool isCleanRequestLine(const uint8_t* p, size_t n) {
  const void* feed = std::memchr(p, '\n', n);
  StartLine line;
  return feed != nullptr && parseStartLine(p, static_cast<size_t>(static_cast<const uint8_t*>(feed) - p), line) &&
         (line.suspicious & (suspicion::invalidTarget | suspicion::oddStartLine)) == 0;
}

}  // namespace

void Parser::data(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs) {
  if (doubtful_) {
    doubtful_ = false;
    // No body: another response follows at once.
    if (classifyStart(p, n, Rigour::strict) == Verdict::response) endMessage(context, owner, side, Damage::none, 0);
  }
  if (bodyAwaited_ && awaitBody(context, owner, side, p, n, timeNs)) return;
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
            endChunk();
          else
            endMessage(context, owner, side, Damage::none, timeNs);
        }
        break;
      }
      case State::chunkSize:
      case State::chunkExtension:
      case State::chunkDataEnd:
        used = readChunkSize(context, owner, side, p, n);
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
    if (n != 0) doubtful_ = false;  // bytes of the body came with the head
  }
}

void Parser::bodyMayBeLeftOut() { bodyAwaited_ = state_ == State::body || (state_ == State::chunkSize && !sizeSeen_); }

bool Parser::awaitBody(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n, int64_t timeNs) {
  bool begins;
  if (partial_ == nullptr) {
    const Verdict verdict = classifyStart(p, n, Rigour::strict);
    if (verdict == Verdict::needMore && keepPartial(context, p, n, 0, timeNs)) return true;
    begins = verdict == Verdict::request && isCleanRequestLine(p, n);
  } else {
    ByteBuffer& kept = partial_->bytes;
    const size_t before = kept.size();
    const bool all = appendPartial(context, p, n) == n;
    const Verdict verdict = classifyStart(kept.data(), kept.size(), Rigour::strict);
    if (verdict == Verdict::needMore && all) return true;
    begins = verdict == Verdict::request && isCleanRequestLine(kept.data(), kept.size());
    kept.truncate(before);
  }
  if (begins) {
    bodyAwaited_ = false;
    endMessage(context, owner, side, Damage::none, 0);
  } else {
    takeAwaitedBody(context, owner, side, timeNs);
  }
  return false;
}

void Parser::takeAwaitedBody(ParserContext& context, void* owner, uint8_t side, int64_t timeNs) {
  bodyAwaited_ = false;
  if (partial_ == nullptr) return;
  ByteBuffer& kept = context.lookedThrough;
  kept.swap(takePartial(context)->bytes);
  data(context, owner, side, kept.data(), kept.size(), timeNs);
}

/// The line between chunks: CRLF behind the data, then the size in hexadecimal, then perhaps extensions (RFC
/// 9112, 7.1).
size_t Parser::readChunkSize(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n) {
  const auto suspect = [&](uint32_t reasons) { context.events.onSuspicious(owner, side, reasons); };
  const auto lose = [&](size_t used) {
    tellFraming(context, owner, side, p, used);
    loseFraming(context, owner, side, Damage::aborted);
    return used;
  };
  size_t at = 0;
  while (at < n) {
    const uint8_t c = p[at];
    if (state_ == State::chunkDataEnd) {
      if (c != '\r' && c != '\n') {
        suspect(suspicion::invalidChunkEnd);
        return lose(at);
      }
      at++;
      if (c == '\n') {
        if (!afterCr_) suspect(suspicion::chunkBareLf);
        beginChunk();
      } else {
        if (afterCr_) suspect(suspicion::bareCr);
        afterCr_ = true;
      }
      continue;
    }
    if (state_ == State::chunkSize) {
      const int digit = hexDigit(c);
      if (digit >= 0) {
        if (remaining_ >> 49 != 0) {  // beyond 2^53
          suspect(suspicion::invalidChunkSize);
          return lose(at);
        }
        remaining_ = remaining_ << 4 | static_cast<unsigned>(digit);
        sizeSeen_ = true;
        at++;
        continue;
      }
      const bool blank = c == ' ' || c == '\t';
      if (!sizeSeen_) {
        suspect(suspicion::invalidChunkSize);
        if (blank) {
          at++;
          continue;
        }
        return lose(at);
      }
      if (blank) {
        suspect(suspicion::invalidChunkExtension);
      } else if (c != '\r' && c != '\n' && c != ';') {
        suspect(suspicion::invalidChunkSize);
        if (remaining_ == 0) {  // "0x5" is not the last chunk
          return lose(at);
        }
      }
      state_ = State::chunkExtension;
      afterCr_ = false;
    }
    // Extensions are skipped.
    const void* feed = std::memchr(p + at, '\n', n - at);
    const size_t end = feed == nullptr ? n : static_cast<size_t>(static_cast<const uint8_t*>(feed) - p);
    for (; at < end; at++) {
      if (afterCr_ || (p[at] < 0x20 && p[at] != '\t' && p[at] != '\r')) suspect(suspicion::invalidChunkExtension);
      afterCr_ = p[at] == '\r';
    }
    if (feed == nullptr) return tellFraming(context, owner, side, p, n);
    if (!afterCr_) suspect(suspicion::chunkBareLf);
    at++;
    if (remaining_ == 0) {
      state_ = State::trailers;
    } else {
      state_ = State::chunkData;
    }
    return tellFraming(context, owner, side, p, at);
  }
  return tellFraming(context, owner, side, p, at);
}

size_t Parser::tellFraming(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t used) {
  if (context.options.tellsFraming && used != 0) context.events.onFraming(owner, side, p, used);
  return used;
}

void Parser::endChunk() {
  state_ = State::chunkDataEnd;
  afterCr_ = false;
}

void Parser::beginChunk() {
  state_ = State::chunkSize;
  remaining_ = 0;
  sizeSeen_ = false;
}

size_t Parser::readTrailers(ParserContext& context, void* owner, uint8_t side, const uint8_t* p, size_t n,
                            int64_t timeNs) {
  const uint8_t* section = p;
  size_t size = n;
  size_t before = 0;
  size_t taken = n;
  if (partial_ != nullptr) {
    const ByteBuffer& kept = partial_->bytes;
    before = kept.size();
    taken = appendPartial(context, p, n);
    const bool complete = findEmptyLine(before);
    section = kept.data();
    size = complete ? partial_->line : kept.size();
    if (!complete && taken == n && size < context.options.maxHeadBytes)
      return tellFraming(context, owner, side, p, taken);
  }
  size_t lines = 0, length = 0;
  Scratch& scratch = context.scratch;
  const ScanResult result = scanLines(section, std::min<size_t>(size, UINT32_MAX), scratch.marks.data(),
                                      scratch.marks.size(), lines, length, scratch.controls);
  if (result == ScanResult::complete) {
    uint32_t suspicious = 0;
    const size_t count = parseFields(section, scratch.marks.data(), lines, 0, scratch.trailerFields.data(), suspicious);
    noteControls(section, length, lines, scratch.controls, suspicious);
    if (suspicious != 0) context.events.onSuspicious(owner, side, suspicious);
    if (lines > 0) context.events.onTrailers(owner, side, section, length, scratch.trailerFields.data(), count);
    tellFraming(context, owner, side, p, length - before);
    dropPartial(context);
    endMessage(context, owner, side, Damage::none, timeNs);
    return length - before;
  }
  tellFraming(context, owner, side, p, taken);
  if (result == ScanResult::tooManyLines || partial_ != nullptr || size >= context.options.maxHeadBytes) {
    context.stats.http_headsTooLarge++;
    context.stats.http_skippedBytes += size;
    loseFraming(context, owner, side, Damage::aborted);
    return taken;
  }
  if (keepPartial(context, p, n, length, timeNs)) return n;
  context.stats.http_headsTooLarge++;
  context.stats.http_skippedBytes += n;
  loseFraming(context, owner, side, Damage::aborted);
  return n;
}

void Parser::gap(ParserContext& context, void* owner, uint8_t side, uint64_t length, Damage damage) {
  doubtful_ = false;
  takeAwaitedBody(context, owner, side, partial_ == nullptr ? 0 : partial_->endNs);
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
        endChunk();
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
  if (bodyAwaited_) {
    // The connection is over, and nothing has come.
    if (partial_ == nullptr && atClose == Damage::aborted) atClose = Damage::none;
    takeAwaitedBody(context, owner, side, partial_ == nullptr ? 0 : partial_->endNs);
  }
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

void Parser::becomeTunnel(ParserContext& context) {
  dropPartial(context);
  bodyAwaited_ = false;
  state_ = State::tunnel;
}

void Parser::abandon(ParserContext& context) {
  dropPartial(context);
  bodyAwaited_ = false;
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

}  // namespace flowtap::http1
