// What leaves: bytes in order, gaps, ends.
#include <algorithm>

#include "tcp/reassembler_impl.h"

namespace flowtap::tcp {

Pending& Reassembler::Impl::pendingOf(Connection& connection, uint32_t index, Side side) {
  uint32_t& pending = connection.direction[side].pending;
  if (pending == 0) pending = pendings_.allocate(index, side);
  return pendings_.at(pending);
}

void Reassembler::Impl::releasePending(Connection& connection, Side side) {
  uint32_t& index = connection.direction[side].pending;
  if (index == 0) return;
  Pending& pending = pendings_.at(index);
  const uint64_t bytes = pending.dropPieces(pages_);
  stats_.tcp_bufferedBytes -= bytes;
  countLate(bytes);  // behind a FIN
  pendings_.release(index);
  index = 0;
}

bool Reassembler::Impl::mayFollow(const Connection& connection, Side side, uint64_t needs) const {
  const Side peer = other(side);
  return needs <= connection.direction[peer].next || connection.has(peer, side_flag::ended);
}

void Reassembler::Impl::gap(Connection& connection, Side side, uint64_t length, GapCause cause, int64_t timeNs) {
  Direction& direction = connection.direction[side];
  const uint64_t offset = direction.next;
  direction.next += length;
  stats_.tcp_missingBytes += length;
  ++stats_.tcp_gaps;
  Note& note = notes_.make(connection.info.id);
  note.gaps[side][note.nextGap[side]] = {offset, offset + length};
  note.nextGap[side] = static_cast<uint8_t>((note.nextGap[side] + 1) % Note::gapsKept);
  connection.set(side, side_flag::hadGap);
  if (cause == GapCause::truncated) connection.flags |= flag::carriedData;
  listener_.gap(connection.info, side, offset, length, cause, timeNs);
}

void Reassembler::Impl::endSide(Connection& connection, Side side, int64_t timeNs) {
  releasePending(connection, side);
  connection.set(side, side_flag::ended);
  ++connection.direction[side].base;
  listener_.end(connection.info, side, timeNs);
}

void Reassembler::Impl::deliverPiece(Connection& connection, Side side, const Piece& piece, const uint8_t* bytes) {
  uint32_t from = 0;
  const auto upTo = [&](uint32_t to) {
    if (from < to) deliver(connection, side, bytes + from, to - from, piece.timeNs);
    from = to;
  };
  if (piece.hasConflict()) {
    upTo(piece.conflictBegin);
    listener_.conflict(connection.info, side, piece.offset + piece.conflictBegin,
                       piece.conflictEnd - piece.conflictBegin, ConflictAt::next);
    upTo(piece.conflictEnd);
  }
  upTo(piece.length);
}

bool Reassembler::Impl::drainSide(Connection& connection, Side side) {
  Direction& direction = connection.direction[side];
  if (direction.pending == 0) return false;
  Pending& pending = pendings_.at(direction.pending);
  bool progress = false;
  while (pending.hasPieces() && pending.front().offset == direction.next) {
    const Piece piece = pending.front();
    if (!mayFollow(connection, side, piece.needs)) break;
    if (piece.page != 0) {
      stats_.tcp_bufferedBytes -= piece.length;
      deliverPiece(connection, side, piece, pending.bytes(piece, pages_));
    } else {
      gap(connection, side, piece.length, GapCause::truncated, piece.timeNs);
    }
    pending.popFront(pages_);
    progress = true;
  }
  if (pending.reset.known && direction.next >= pending.reset.offset &&
      mayFollow(connection, side, pending.reset.needs)) {
    connection.flags |= flag::resetDue;
  }
  if (pending.fin.known && pending.fin.offset == direction.next && mayFollow(connection, side, pending.fin.needs)) {
    const bool resetKnown = pending.reset.known;
    endSide(connection, side, pending.fin.timeNs);
    if (resetKnown) connection.flags |= flag::resetDue;
    return true;
  }
  return progress;
}

bool Reassembler::Impl::breakCycle(Connection& connection) {
  // What is at hand in both directions, each waiting for the other: one of them was sent again and acknowledges more
  // than its first sending did. The one that came later existed when the other was sent, so it goes first. That is a
  // guess when originals are captured behind their copies: "X, then Y that acknowledges X, then X again, which
  // acknowledges Y" and "Y, then X that acknowledges Y, then Y again, which acknowledges X" put the same two packets
  // on the wire before any original. Waiting for one would hold up every stream in which it was lost.
  uint64_t* needs[2] = {nullptr, nullptr};
  uint64_t arrival[2] = {0, 0};
  bool holed[2] = {false, false};
  for (Side side : {Side{0}, Side{1}}) {
    const Direction& direction = connection.direction[side];
    if (direction.pending == 0) continue;
    Pending& pending = pendings_.at(direction.pending);
    Hole hole;
    if (pending.hasPieces() && pending.front().offset == direction.next) {
      needs[side] = &pending.front().needs;
      arrival[side] = pending.front().arrival;
    } else if (pending.fin.known && pending.fin.offset == direction.next) {
      needs[side] = &pending.fin.needs;
      arrival[side] = pending.fin.arrival;
    } else {
      holed[side] = pending.hole(direction.next, hole);
    }
  }
  const Side later = arrival[1] > arrival[0] ? 1 : 0;
  if (needs[later] == nullptr || holed[other(later)]) return false;
  const Direction& direction = connection.direction[later];
  Pending& pending = pendings_.at(direction.pending);
  if (pending.hasPieces() && needs[other(later)] != nullptr) {
    // Only as much of it as the other acknowledges.
    const uint64_t upTo = *needs[other(later)];
    if (upTo > pending.front().offset && upTo < pending.front().end()) {
      pending.splitFront(upTo, pages_);
      pending.front().needs = 0;
      return true;
    }
  }
  *needs[later] = 0;
  return true;
}

void Reassembler::Impl::drain(Connection& connection) {
  if ((connection.direction[0].pending | connection.direction[1].pending) == 0) return;
  bool progress = true;
  while (progress) {
    progress = drainSide(connection, 0);
    progress = drainSide(connection, 1) || progress;
    if (!progress) progress = breakCycle(connection);
  }
}

/// Gives up the hole at the next byte of this side, if there is one.
bool Reassembler::Impl::declareHole(Connection& connection, Side side, int64_t timeNs) {
  Direction& direction = connection.direction[side];
  if (direction.pending == 0) return false;
  Pending& pending = pendings_.at(direction.pending);
  Hole hole;
  if (!pending.hole(direction.next, hole)) return false;
  if (!pending.hasPieces() && !pending.fin.known && hole.end - direction.next == 1) {
    // One more than everything seen was acknowledged and nothing follows: that is the number of a FIN rather than a
    // byte.
    connection.flags |= flag::finAcked(side);
    pending.forgetAcknowledgment();
    return true;
  }
  if (!pending.hasPieces()) {
    const uint32_t shift = side * side_flag::sideShift;
    const uint32_t count = (connection.flags >> shift & side_flag::blind) / side_flag::blind1;
    connection.clear(side, side_flag::blind);
    connection.set(side, std::min<uint32_t>(count + 1, 3) * side_flag::blind1);
  }
  gap(connection, side, hole.end - direction.next, GapCause::lost, timeNs);
  pending.advanced(direction.next);
  return true;
}

bool Reassembler::Impl::isDue(const Pending& pending, Moment since, bool acked) const {
  const int64_t waitedNs = clock_.now() - since.ns;
  if (!acked) return waitedNs >= options_.holeTimeoutNs;
  return waitedNs >= options_.reorderNs || pending.segments - since.segments >= options_.reorderSegments;
}

int64_t Reassembler::Impl::deadline(const Pending& pending, uint64_t next) const {
  int64_t deadlineNs = PendingPool::never;
  Hole hole;
  if (pending.hole(next, hole)) deadlineNs = hole.since.ns + (hole.acked ? options_.reorderNs : options_.holeTimeoutNs);
  if (pending.reset.known) deadlineNs = std::min(deadlineNs, pending.reset.since.ns + options_.reorderNs);
  return deadlineNs;
}

void Reassembler::Impl::declareDue(Connection& connection, int64_t timeNs) {
  for (bool changed = true; changed;) {
    changed = false;
    for (Side side : {Side{0}, Side{1}}) {
      const uint32_t index = connection.direction[side].pending;
      if (index == 0) continue;
      const Pending& pending = pendings_.at(index);
      if (pending.reset.known && isDue(pending, pending.reset.since, true)) connection.flags |= flag::resetDue;
      Hole hole;
      if (!pending.hole(connection.direction[side].next, hole) || !isDue(pending, hole.since, hole.acked)) continue;
      changed = declareHole(connection, side, timeNs);
      drain(connection);
    }
  }
}

/// Lets go of what no longer waits, and notes until when the rest does.
void Reassembler::Impl::tidy(Connection& connection, Side side) {
  const Direction& direction = connection.direction[side];
  if (direction.pending == 0) return;
  Pending& pending = pendings_.at(direction.pending);
  pending.advanced(direction.next);
  if (pending.idle(direction.next)) {
    releasePending(connection, side);
    return;
  }
  const int64_t deadlineNs = deadline(pending, direction.next);
  pendings_.setDeadline(direction.pending, deadlineNs);
  nextDueNs_ = std::min(nextDueNs_, deadlineNs);
}

/// After each segment that was not ordinary: gives out what can be, and closes what is over.
void Reassembler::Impl::settle(Connection& connection, uint32_t index, int64_t timeNs) {
  if ((connection.direction[0].pending | connection.direction[1].pending) != 0) {
    drain(connection);
    declareDue(connection, timeNs);
    tidy(connection, 0);
    tidy(connection, 1);
  }
  const bool finished = connection.has(0, side_flag::ended) && connection.has(1, side_flag::ended);
  if (!finished && !connection.has(flag::resetDue)) {
    updateStanding(connection, index);
    return;
  }
  close(connection, finished ? CloseReason::finished : CloseReason::reset, timeNs);
  connections_.dequeue(index);
  enqueue(index, Standing::closed);
  if (connections_.count(Standing::closed) > maxClosedRemembered) forget(connections_.front(Standing::closed));
}

/// Gives out everything that waits, with the holes declared.
void Reassembler::Impl::flush(Connection& connection, int64_t timeNs) {
  for (;;) {
    drain(connection);
    Hole holes[2];
    bool holed[2] = {false, false};
    for (Side side : {Side{0}, Side{1}}) {
      const Direction& direction = connection.direction[side];
      if (direction.pending != 0) holed[side] = pendings_.at(direction.pending).hole(direction.next, holes[side]);
    }
    if (!holed[0] && !holed[1]) break;
    Side first = holed[0] ? 0 : 1;
    if (holed[0] && holed[1]) {
      // An acknowledged hole lies before what acknowledges it.
      const bool laterIsFirst =
          holes[0].acked != holes[1].acked ? holes[1].acked : holes[1].since.ns < holes[0].since.ns;
      first = laterIsFirst ? 1 : 0;
    }
    declareHole(connection, first, timeNs);
  }
  releasePending(connection, 0);
  releasePending(connection, 1);
}

void Reassembler::Impl::close(Connection& connection, CloseReason reason, int64_t timeNs) {
  if (!connection.has(flag::opened) || connection.has(flag::closed)) return;
  flush(connection, timeNs);
  connection.flags |= flag::closed;
  ++stats_.tcp_connectionsClosed;
  if (reason == CloseReason::idle) ++stats_.tcp_connectionsExpired;
  if (reason == CloseReason::evicted) ++stats_.tcp_connectionsEvicted;
  listener_.close(connection.info, reason, timeNs);
}

}  // namespace flowtap::tcp
