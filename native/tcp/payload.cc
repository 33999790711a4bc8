// One segment's bytes: what is new, what was there before, what must wait.
#include <algorithm>
#include <cstring>

#include "tcp/reassembler_impl.h"

namespace flowtap::tcp {

namespace {
// Inserting moves what lies behind, so this bounds the work a hostile order of tiny segments can cause.
constexpr uint32_t maxPiecesPerDirection = 4096;
// Giving up every hole always makes room; a guard all the same, since a hostile segment must not hold the thread.
constexpr int maxAttempts = 8;
}  // namespace

void Reassembler::Impl::noteAckHint(Connection& connection, Side target, uint32_t acknowledgment) {
  Direction& direction = connection.direction[target];
  if (connection.has(target, side_flag::ackHint) && distance(acknowledgment, direction.base) <= 0) return;
  direction.base = acknowledgment;
  connection.set(target, side_flag::ackHint);
}

uint64_t Reassembler::Impl::acknowledge(Connection& connection, uint32_t index, Side target, uint32_t acknowledgment) {
  if (!connection.has(target, side_flag::baseKnown)) {
    noteAckHint(connection, target, acknowledgment);
    return 0;
  }
  // Of a side that was never seen nothing can be waited for: the capture has one direction only.
  if (!connection.has(target, side_flag::seen) || connection.has(target, side_flag::ended)) return 0;
  Direction& direction = connection.direction[target];
  const int32_t ahead = distance(acknowledgment, direction.nextSequence());
  if (ahead <= 0) return 0;
  uint64_t offset = direction.next + static_cast<uint64_t>(ahead);
  const uint64_t highest =
      direction.pending != 0 ? pendings_.at(direction.pending).highest(direction.next) : direction.next;
  if (offset > highest) {
    const uint64_t beyond = offset - highest;
    if (ahead > maxWindowBytes || (ahead == 1 && connection.has(flag::finAcked(target)))) {
      offset = highest;
    } else if (beyond > maxUnconfirmedAckBytes) {
      Note& note = notes_.make(connection.info.id);
      const int64_t apart = distance(acknowledgment, note.farAck[target]);
      const bool agreed = note.farAckKnown[target] && apart >= -nearBytes && apart <= nearBytes;
      note.farAckKnown[target] = true;
      note.farAck[target] = acknowledgment;
      if (!agreed) offset = highest;
    }
  }
  if (offset <= direction.next) return 0;
  Pending& pending = pendingOf(connection, index, target);
  pending.acknowledge(offset, direction.next, {clock_.now(), pending.segments});
  if ((connection.flags & of(target, side_flag::blind)) == of(target, side_flag::blind) && !pending.hasPieces()) {
    // Nothing of this side arrives any more: waiting each time would only delay the other side.
    if (declareHole(connection, target, packetNs_)) drain(connection);
  }
  return offset;
}

namespace {

/// From the first byte that differs to the last; empty when none does.
struct Difference {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t length() const { return end - begin; }
};

Difference differenceOf(const uint8_t* earlier, const uint8_t* later, uint32_t length) {
  if (std::memcmp(earlier, later, length) == 0) return {};
  Difference difference{0, length};
  while (earlier[difference.begin] == later[difference.begin]) ++difference.begin;
  while (earlier[difference.end - 1] == later[difference.end - 1]) --difference.end;
  return difference;
}

}  // namespace

/// Counts bytes that lie before the next one to deliver. The byte of a probe may be any (RFC 9293, 3.8.4).
void Reassembler::Impl::countOld(Connection& connection, Side side, int64_t offset, const uint8_t* bytes,
                                 uint32_t length, bool isProbe) {
  uint64_t late = 0;
  const int64_t end = offset + length;
  if (offset < 0) late += static_cast<uint64_t>(std::min<int64_t>(end, 0) - offset);
  if (connection.has(side, side_flag::hadGap)) {
    if (const Note* note = notes_.find(connection.info.id); note != nullptr) {
      for (const Note::Range& gap : note->gaps[side]) {
        const int64_t from = std::max(offset, static_cast<int64_t>(gap.begin));
        const int64_t to = std::min(end, static_cast<int64_t>(gap.end));
        if (from < to) late += static_cast<uint64_t>(to - from);
      }
    }
  }
  uint64_t conflicting = 0;
  if (end > 0 && !isProbe) {
    const auto before = static_cast<uint32_t>(offset < 0 ? -offset : 0);
    conflicting =
        countConflicts(connection, side, static_cast<uint64_t>(offset + before), bytes + before, length - before);
  }
  countLate(late);
  stats_.tcp_duplicateBytes += length - late - conflicting;
}

uint64_t Reassembler::Impl::countConflicts(Connection& connection, Side side, uint64_t offset, const uint8_t* bytes,
                                           uint32_t length) {
  uint64_t conflicting = 0;
  history_.compare(streamOf(connection, side), offset, bytes, length, [&](uint64_t from, uint64_t to) {
    conflicting += to - from;
    // Of what is over nobody wants to hear.
    if (connection.has(flag::closed) || connection.has(side, side_flag::ended)) return;
    listener_.conflict(connection.info, side, from, to - from, ConflictAt::handedOn);
  });
  stats_.tcp_conflictingBytes += conflicting;
  return conflicting;
}

void Reassembler::Impl::payload(Connection& connection, uint32_t index, Side side, const Segment& segment,
                                uint32_t sequence, uint64_t needs) {
  Direction& direction = connection.direction[side];
  const uint8_t* bytes = segment.payload;
  uint32_t present = segment.payloadLength;
  uint32_t truncated = truncatedBytes(segment);
  const auto skip = [&](uint64_t count) {
    const auto ofPresent = static_cast<uint32_t>(std::min<uint64_t>(count, present));
    bytes += ofPresent;
    present -= ofPresent;
    truncated -= static_cast<uint32_t>(std::min<uint64_t>(count - ofPresent, truncated));
    sequence += static_cast<uint32_t>(count);
  };

  bool counted = false;
  for (int attempts = 0;;) {
    if (present + truncated == 0) return;
    int64_t ahead = distance(sequence, direction.nextSequence());
    const bool ended = connection.has(side, side_flag::ended);
    if (ahead < 0) {
      const auto old = static_cast<uint32_t>(std::min<int64_t>(-ahead, int64_t{present} + truncated));
      const bool probe = ahead == -1 && lengthOnWire(segment) == 1;
      if (!counted && !ended) {
        probe ? ++stats_.tcp_keepAliveProbes : ++stats_.tcp_retransmittedSegments;
        counted = true;
      }
      countOld(connection, side, offsetOf(connection, side, sequence), bytes, std::min(old, present), probe);
      skip(old);
      continue;
    }
    const Pending* pending = direction.pending != 0 ? &pendings_.at(direction.pending) : nullptr;
    const uint64_t offset = direction.next + static_cast<uint64_t>(ahead);
    // Behind the FIN there is nothing (RFC 9293, 3.10.7.4: ignored).
    uint64_t limit = ended ? 0 : UINT64_MAX;
    if (pending != nullptr && pending->fin.known) limit = pending->fin.offset;
    const uint64_t runNeeds = pending != nullptr ? std::min(needs, pending->needsLimit(pending->find(offset))) : needs;
    if (offset >= limit) {
      countLate(present);
      return;
    }
    if (limit - offset < uint64_t{present} + truncated) {
      const auto keep = static_cast<uint32_t>(limit - offset);
      countLate(present - std::min(present, keep));
      present = std::min(present, keep);
      truncated = keep - present;
    }
    if (ahead == 0 && mayFollow(connection, side, runNeeds)) {
      // In order: straight from the packet, up to where bytes that came earlier begin.
      uint64_t run = uint64_t{present} + truncated;
      if (pending != nullptr && pending->hasPieces()) run = std::min(run, pending->front().offset - direction.next);
      if (run > 0) {
        const auto ready = static_cast<uint32_t>(std::min<uint64_t>(run, present));
        const uint8_t* from = bytes;
        if (ready > 0) deliver(connection, side, from, ready, segment.timestampNs);
        if (run > ready) gap(connection, side, run - ready, GapCause::truncated, segment.timestampNs);
        skip(run);
        continue;
      }
    }
    if (!counted) {
      if (ahead > 0) ++stats_.tcp_outOfOrderSegments;
      counted = true;
    }
    if (!makeRoom(connection, index, side, present)) {
      store(connection, index, side, offset, bytes, present, truncated, needs, segment.timestampNs);
      return;
    }
    // Room was made by giving up waiting, which may have changed where this segment stands.
    if (++attempts > maxAttempts) {
      stats_.tcp_evictedBytes += present;
      return;
    }
    if (!fits(connection, side, present)) {
      ahead = distance(sequence, direction.nextSequence());
      if (connection.has(side, side_flag::ended)) continue;
      if (ahead > 0 && (direction.pending == 0 || !pendings_.at(direction.pending).hasPieces())) {
        gap(connection, side, static_cast<uint64_t>(ahead), GapCause::lost, segment.timestampNs);
      }
      needs = 0;
    }
  }
}

uint64_t Reassembler::Impl::chargeFor(uint32_t length) const {
  return (length / Page::capacity + 2) * (sizeof(Page) + sizeof(Piece)) + PendingPool::bytesEach;
}

bool Reassembler::Impl::fits(const Connection& connection, Side side, uint32_t length) const {
  const uint64_t more = chargeFor(length);
  if (chargedBytes() + more > options_.maxBufferedBytes) return false;
  const uint32_t index = connection.direction[side].pending;
  if (index == 0) return more <= options_.maxBufferedBytesPerDirection;
  const Pending& pending = pendings_.at(index);
  return chargedBytes(pending) + more <= options_.maxBufferedBytesPerDirection &&
         pending.pieceCount() + more / sizeof(Page) <= maxPiecesPerDirection;
}

/// False when there was room. Otherwise waiting was given up until there was, or until nothing was left to give up.
bool Reassembler::Impl::makeRoom(Connection& connection, uint32_t, Side side, uint32_t length) {
  if (fits(connection, side, length)) return false;
  do {
    const bool inTotal = chargedBytes() + chargeFor(length) > options_.maxBufferedBytes;
    if (declareHole(connection, side, packetNs_) || declareHole(connection, other(side), packetNs_)) {
      drain(connection);
    } else if (!inTotal || !relieve(packetNs_)) {
      break;
    }
  } while (!fits(connection, side, length));
  return true;
}

void Reassembler::Impl::store(Connection& connection, uint32_t index, Side side, uint64_t offset, const uint8_t* bytes,
                              uint32_t present, uint32_t truncated, uint64_t needs, int64_t timeNs) {
  Pending& pending = pendingOf(connection, index, side);
  connection.flags |= flag::carriedData;
  const uint64_t bytesBegin = offset;
  const uint64_t bytesEnd = offset + present;
  const uint64_t end = bytesEnd + truncated;
  Piece like{};
  like.arrival = arrivals_;
  like.timeNs = timeNs;
  like.sinceNs = clock_.now();
  bool overlapped = false;
  size_t at = pending.find(offset);
  while (offset < end) {
    const bool covered = at < pending.pieceIndexEnd() && pending.piece(at).offset <= offset;
    uint64_t stop = end;
    if (at < pending.pieceIndexEnd())
      stop = std::min(end, covered ? pending.piece(at).end() : pending.piece(at).offset);
    const uint64_t ofBytes = offset < bytesEnd ? std::min(stop, bytesEnd) - offset : 0;
    if (covered) {
      overlapped = true;
      // A copy that was sent earlier says what the bytes really waited for.
      if (bytesBegin <= pending.piece(at).offset && bytesEnd >= pending.piece(at).end())
        pending.relaxNeeds(at + 1, needs);
      if (ofBytes > 0) compareWaiting(pending, pending.piece(at), offset, bytes, static_cast<uint32_t>(ofBytes));
      ++at;
    } else {
      like.offset = offset;
      like.length = static_cast<uint32_t>(ofBytes);
      like.needs = std::min(needs, pending.needsLimit(at));
      pending.relaxNeeds(at, like.needs);
      if (ofBytes > 0) {
        at += pending.insert(at, like, bytes, pages_);
        stats_.tcp_bufferedBytes += ofBytes;
      }
      if (stop > offset + ofBytes) {
        like.offset = offset + ofBytes;
        like.length = static_cast<uint32_t>(stop - like.offset);
        pending.insertTruncated(at++, like);
      }
    }
    bytes += ofBytes;
    offset = stop;
  }
  if (overlapped) ++stats_.tcp_retransmittedSegments;
}

void Reassembler::Impl::compareWaiting(const Pending& pending, Piece& piece, uint64_t offset, const uint8_t* bytes,
                                       uint32_t length) {
  if (piece.page == 0) {
    countLate(length);
    return;
  }
  const auto from = static_cast<uint32_t>(offset - piece.offset);
  const Difference difference = differenceOf(pending.bytes(piece, pages_) + from, bytes, length);
  stats_.tcp_conflictingBytes += difference.length();
  stats_.tcp_duplicateBytes += length - difference.length();
  if (difference.length() != 0) piece.addConflict(from + difference.begin, from + difference.end);
}

}  // namespace flowtap::tcp
