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

/// The line between chunks: CRLF behind the data, then the size in hexadecimal, then perhaps extensions (RFC
/// 9112, 7.1).
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

}  // namespace flowtap::http1
