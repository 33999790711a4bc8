// Where streams begin and begin anew: SYN, mid-stream starts, reused ports, RST.
#include <algorithm>

#include "tcp/reassembler_impl.h"

namespace flowtap::tcp {

namespace control = decode::control;

namespace {

bool within(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

}  // namespace

void Reassembler::Impl::open(Connection& connection, int64_t timeNs) {
  connection.info.id = ++lastId_;
  connection.info.openTimeNs = timeNs;
  connection.flags |= flag::opened;
  ++stats_.tcp_connectionsOpened;
  listener_.open(connection.info, timeNs);
}

void Reassembler::Impl::adoptSyn(Connection& connection, Side side, const Segment& segment) {
  rebase(connection, side, segment.sequence + 1);
  connection.set(side, side_flag::synSeen);
  const bool answers = (segment.controlBits & control::ack) != 0;
  if (connection.info.initiator == unknownSide) {
    connection.info.initiator = static_cast<int8_t>(answers ? other(side) : side);
  }
  const Direction& peer = connection.direction[other(side)];
  const bool peerKnown = connection.has(other(side), side_flag::baseKnown);
  // What it acknowledges is where the other side begins, save for data on the SYN.
  if (answers && (!peerKnown || (peer.next == 0 && !connection.has(other(side), side_flag::synSeen) &&
                                 within(distance(peer.base, segment.acknowledgment), 1, maxStartHoleBytes)))) {
    rebase(connection, other(side), segment.acknowledgment);
  }
}

void Reassembler::Impl::finishHandshake(Connection& connection, Side initiator, int64_t timeNs) {
  constexpr int64_t maxUs = (1 << 24) - 1;
  connection.flags |= flag::answered;
  // With both SYNs captured, the first packet was the initiator's.
  if (connection.has(initiator, side_flag::synSeen) && connection.has(other(initiator), side_flag::synSeen)) {
    const int64_t us = (timeNs - connection.info.openTimeNs) / 1000;
    connection.info.handshakeUs = static_cast<uint64_t>(std::clamp<int64_t>(us, 1, maxUs)) & maxUs;
  }
}

/// The stream begins at `base`; what waits already keeps its place. Nothing of this side was delivered.
void Reassembler::Impl::rebase(Connection& connection, Side side, uint32_t base) {
  Direction& direction = connection.direction[side];
  const Direction& peer = connection.direction[other(side)];
  if (connection.has(side, side_flag::baseKnown)) {
    const auto by = static_cast<uint64_t>(std::max<int32_t>(distance(direction.base, base), 0));
    if (direction.pending != 0) pendings_.at(direction.pending).shift(by);
    if (peer.pending != 0) pendings_.at(peer.pending).shiftNeeds(by);
  }
  direction.next = 0;
  direction.base = base;
  connection.set(side, side_flag::baseKnown);
  connection.clear(side, side_flag::ackHint);
}

Reassembler::Impl::Verdict Reassembler::Impl::synchronize(Connection& connection, uint32_t index, Side side,
                                                          const Segment& segment) {
  Direction& direction = connection.direction[side];
  const uint32_t first = segment.sequence + 1;
  if (!connection.has(side, side_flag::baseKnown)) {
    // A first word of this side. It must fit what the other side acknowledged, unless that was not a stream yet.
    if (connection.has(flag::opened) && connection.has(side, side_flag::ackHint) &&
        !within(distance(direction.base, first), 0, maxStartHoleBytes)) {
      return challenge(connection, index, side, segment);
    }
    // An answer to something else, say to a SYN whose tuple was used again, does not fit the other side.
    const Direction& peer = connection.direction[other(side)];
    if ((segment.controlBits & control::ack) != 0 && connection.has(other(side), side_flag::baseKnown) &&
        !within(static_cast<int64_t>(distance(segment.acknowledgment, peer.nextSequence())) +
                    static_cast<int64_t>(peer.next),
                0, static_cast<int64_t>(peer.next) + nearBytes)) {
      return challenge(connection, index, side, segment);
    }
    adoptSyn(connection, side, segment);
    return Verdict::goOn;
  }
  const uint32_t base = direction.base - (connection.has(side, side_flag::ended) ? 1 : 0);
  if (connection.has(side, side_flag::synSeen)) {
    if (base == first) return Verdict::goOn;  // sent again
    return challenge(connection, index, side, segment);
  }
  // The base came from an acknowledgment or from the first data; the SYN was overtaken by them.
  if (!within(distance(base, first), 0, maxStartHoleBytes)) return challenge(connection, index, side, segment);
  if (direction.next == 0) {
    adoptSyn(connection, side, segment);
  } else if (connection.info.initiator == unknownSide) {
    const bool answers = (segment.controlBits & control::ack) != 0;
    connection.info.initiator = static_cast<int8_t>(answers ? other(side) : side);
  }
  return Verdict::goOn;
}

Reassembler::Impl::Verdict Reassembler::Impl::challenge(Connection& connection, uint32_t index, Side side,
                                                        const Segment& segment) {
  bool over =
      connection.has(0, side_flag::ended) || connection.has(1, side_flag::ended) || !connection.has(flag::opened);
  for (const Direction& direction : connection.direction) {
    over = over || (direction.pending != 0 &&
                    (pendings_.at(direction.pending).reset.known || pendings_.at(direction.pending).fin.known));
  }
  const bool tried = !connection.has(flag::carriedData) && !handshakeDone(connection);
  const bool answers = (segment.controlBits & control::ack) != 0;
  const Side peer = other(side);
  if (!over && !(tried && !answers)) {
    Note& note = notes_.make(connection.info.id);
    if (!answers || !note.challengerKnown[peer] ||
        !within(distance(segment.acknowledgment, note.challenger[peer] + 1), 0, maxStartHoleBytes)) {
      // One stray SYN must not end a connection that lives on; see who answers.
      note.challengerKnown[side] = true;
      note.challenger[side] = segment.sequence;
      note.challengerInitiator = answers ? peer : side;
      if (answers) {
        note.challengerKnown[peer] = true;
        note.challenger[peer] = segment.acknowledgment - 1;
      }
      connection.flags |= flag::challenged;
      return Verdict::ignore;
    }
    const uint32_t peerFirst = note.challenger[peer] + 1;
    replace(connection, index, segment);
    connection.direction[peer].base = peerFirst;
    connection.set(peer, side_flag::baseKnown | side_flag::synSeen | side_flag::seen);
    connection.info.initiator = static_cast<int8_t>(peer);
  } else {
    replace(connection, index, segment);
  }
  adoptSyn(connection, side, segment);
  return Verdict::goOn;
}

bool Reassembler::Impl::challengeConfirmed(Connection& connection, uint32_t index, Side side, const Segment& segment) {
  Note* found = notes_.find(connection.info.id);
  if (found == nullptr) {
    connection.flags &= ~flag::challenged & flag::all;
    return false;
  }
  const Note note = *found;
  const Side peer = other(side);
  bool confirmed = note.challengerKnown[side] && segment.sequence == note.challenger[side] + 1 &&
                   segment.sequence != connection.direction[side].nextSequence();
  if (!confirmed && note.challengerKnown[peer] && (segment.controlBits & control::ack) != 0) {
    const int64_t fromOld = distance(segment.acknowledgment, connection.direction[peer].nextSequence());
    confirmed = within(distance(segment.acknowledgment, note.challenger[peer] + 1), 0, maxStartHoleBytes) &&
                !within(fromOld, -nearBytes, nearBytes);
  }
  if (!confirmed) return false;
  replace(connection, index, segment);
  for (Side each : {Side{0}, Side{1}}) {
    if (!note.challengerKnown[each]) continue;
    connection.direction[each].base = note.challenger[each] + 1;
    connection.set(each, side_flag::baseKnown | side_flag::synSeen | side_flag::seen);
  }
  connection.info.initiator = static_cast<int8_t>(note.challengerInitiator);
  open(connection, segment.timestampNs);
  return true;
}

void Reassembler::Impl::replace(Connection& connection, uint32_t index, const Segment& segment) {
  bool wasReset = connection.has(flag::resetDue);
  for (const Direction& direction : connection.direction) {
    wasReset = wasReset || (direction.pending != 0 && pendings_.at(direction.pending).reset.known);
  }
  close(connection, wasReset ? CloseReason::reset : CloseReason::reused, segment.timestampNs);
  startOver(connection, segment);
  connections_.dequeue(index);
  enqueue(index, Standing::halfOpen);
}

bool Reassembler::Impl::establish(Connection& connection, Side side, const Segment& segment) {
  Direction& direction = connection.direction[side];
  const bool single = lengthOnWire(segment) == 1;
  uint32_t base = segment.sequence;
  if (connection.has(side, side_flag::ackHint)) {
    const int32_t behind = distance(segment.sequence, direction.base);
    if (single && behind == -1) {
      ++stats_.tcp_keepAliveProbes;
      return false;
    }
    // Bytes that the peer did not have yet: the segment before this one was overtaken or lost.
    if (within(behind, 0, maxStartHoleBytes - 1)) base = direction.base;
  } else if (single && segment.payloadLength == 1 && segment.payload[0] == 0) {
    // The garbage byte of a keep-alive probe: it lies before the stream's next byte, so the stream cannot begin with
    // it.
    ++stats_.tcp_keepAliveProbes;
    return false;
  }
  direction.next = 0;
  direction.base = base;
  connection.set(side, side_flag::baseKnown);
  connection.clear(side, side_flag::ackHint);
  return true;
}

Reassembler::Impl::Verdict Reassembler::Impl::placeFar(Connection& connection, uint32_t index, Side side,
                                                       const Segment& segment) {
  const int32_t ahead = distance(segment.sequence, connection.direction[side].nextSequence());
  if (within(ahead, -maxUnconfirmedJumpBytes, maxUnconfirmedJumpBytes)) return Verdict::goOn;
  const Side peer = other(side);
  const bool over = connection.has(side, side_flag::ended);
  if (!over) {
    Note& note = notes_.make(connection.info.id);
    const bool agreed =
        note.farDataKnown[side] && within(distance(segment.sequence, note.farData[side]), -nearBytes, nearBytes);
    note.farDataKnown[side] = true;
    note.farData[side] = segment.sequence + lengthOnWire(segment);
    if (!agreed) return Verdict::ignore;
  }
  // Both segments are of one mind. When the other side's numbers changed too, this is another connection whose SYN was
  // missed.
  const bool ackKnown = (segment.controlBits & control::ack) != 0 && connection.has(peer, side_flag::baseKnown);
  const bool ackFar = ackKnown && !within(distance(segment.acknowledgment, connection.direction[peer].nextSequence()),
                                          -maxUnconfirmedJumpBytes, maxUnconfirmedJumpBytes);
  if (ackFar || (!ackKnown && (ahead < 0 || over))) {
    replace(connection, index, segment);
    return Verdict::goOn;
  }
  return ahead > 0 && ahead <= maxWindowBytes ? Verdict::goOn : Verdict::ignore;
}

Reassembler::Impl::Verdict Reassembler::Impl::straggler(Connection& connection, uint32_t index, Side side,
                                                        const Segment& segment) {
  const Direction& direction = connection.direction[side];
  const uint32_t length = lengthOnWire(segment);
  bool anew = false;
  if ((segment.controlBits & control::rst) != 0) {
    anew = false;
  } else if ((segment.controlBits & control::syn) != 0) {
    const uint32_t base = direction.base - (connection.has(side, side_flag::ended) ? 1 : 0);
    anew = !connection.has(side, side_flag::synSeen) || base != segment.sequence + 1;
  } else if (length > 0) {
    const int32_t ahead = distance(segment.sequence, direction.nextSequence());
    const bool sentReset = connection.has(flag::resetBy(side));
    // Whoever resets falls silent. When it goes on sending, the RST was somebody else's and the peer did not believe
    // it.
    anew = !connection.has(side, side_flag::baseKnown) || !within(ahead, -16 * nearBytes, maxStartHoleBytes) ||
           (sentReset && ahead >= 0);
  }
  if (!anew) {
    countStraggler(connection, side, segment);
    return Verdict::ignore;
  }
  startOver(connection, segment);
  connections_.dequeue(index);
  enqueue(index, Standing::halfOpen);
  return Verdict::goOn;
}

void Reassembler::Impl::countStraggler(Connection& connection, Side side, const Segment& segment) {
  uint32_t old = 0;
  if ((segment.controlBits & (control::syn | control::rst)) == 0 && connection.has(side, side_flag::baseKnown)) {
    const int64_t offset = offsetOf(connection, side, segment.sequence);
    const int64_t behind = static_cast<int64_t>(connection.direction[side].next) - offset;
    old = static_cast<uint32_t>(std::clamp<int64_t>(behind, 0, segment.payloadLength));
    countOld(connection, side, offset, segment.payload, old, behind == 1 && lengthOnWire(segment) == 1);
  }
  countLate(segment.payloadLength - old);
}

void Reassembler::Impl::reset(Connection& connection, uint32_t index, Side side, const Segment& segment) {
  if (!connection.has(flag::opened)) return;
  const Direction& direction = connection.direction[side];
  const Direction& peer = connection.direction[other(side)];
  const bool hasAck = (segment.controlBits & control::ack) != 0;
  int32_t ahead = 0;
  bool accepted = false;
  if (connection.has(side, side_flag::baseKnown)) {
    ahead = distance(segment.sequence, direction.nextSequence());
    accepted = within(ahead, 0, resetWindowBytes);
  } else if (hasAck && connection.has(other(side), side_flag::baseKnown)) {
    // The answer to a SYN or to data of a connection that this side does not know: its own number may be 0.
    const int64_t acked = static_cast<int64_t>(distance(segment.acknowledgment, peer.nextSequence()));
    accepted = within(acked, -static_cast<int64_t>(std::min<uint64_t>(peer.next, nearBytes)), 1);
  } else if (connection.has(side, side_flag::ackHint)) {
    accepted = within(distance(segment.sequence, direction.base), 0, resetWindowBytes);
  }
  if (!accepted) {
    ++stats_.tcp_resetsIgnored;
    settle(connection, index, segment.timestampNs);
    return;
  }
  ++stats_.tcp_resets;
  connection.flags |= flag::resetBy(side);
  const uint64_t needs = hasAck ? acknowledge(connection, index, other(side), segment.acknowledgment) : 0;
  if (ahead == 0 && mayFollow(connection, side, needs)) {
    connection.flags |= flag::resetDue;
  } else if (Pending& pending = pendingOf(connection, index, side); !pending.reset.known) {
    // It overtook bytes of its own side or of the other: give them as long as reordering may take.
    pending.reset = {true,
                     direction.next + static_cast<uint64_t>(ahead),
                     needs,
                     arrivals_,
                     segment.timestampNs,
                     {clock_.now(), pending.segments}};
  }
  settle(connection, index, segment.timestampNs);
}

}  // namespace flowtap::tcp
