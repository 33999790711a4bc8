#include "tcp/reassembler.h"

#include <algorithm>
#include <cstring>

#include "tcp/reassembler_impl.h"

namespace flowtap::tcp {

using decode::Segment;
namespace control = decode::control;

namespace {

// Far enough for anything real, near enough for sums not to overflow.
constexpr int64_t maxOptionNs = int64_t{1} << 54;

/// Of the memory for bytes that wait, what may go to those that were handed on.
constexpr uint64_t historyShare = 16;

ReassemblyOptions sane(ReassemblyOptions options) {
  for (int64_t* ns : {&options.idleTimeoutNs, &options.reorderNs, &options.holeTimeoutNs}) {
    *ns = std::clamp<int64_t>(*ns, 1, maxOptionNs);
  }
  options.maxConnections = std::clamp<uint32_t>(options.maxConnections, 1, 0x7ffffff0);
  return options;
}

uint32_t portsOf(uint16_t first, uint16_t second) { return static_cast<uint32_t>(first) << 16 | second; }

/// What must hold of the flags for a segment of `side` to go the short way, and the bits that this depends on.
constexpr uint32_t shortWayFlags(Side side) {
  return flag::opened | flag::carriedData | of(side, side_flag::baseKnown) | of(side, side_flag::seen);
}
constexpr uint32_t shortWayMask(Side side) {
  return shortWayFlags(side) | flag::closed | flag::challenged | flag::resetDue |
         of(side, side_flag::ended | side_flag::blind);
}

}  // namespace

Reassembler::Reassembler(const ReassemblyOptions& options, StreamListener& listener, Stats& stats)
    : impl_(std::make_unique<Impl>(options, listener, stats)) {}
Reassembler::~Reassembler() = default;
void Reassembler::prefetch(const Segment& segment) const { impl_->prefetch(segment); }
void Reassembler::segment(const Segment& segment) { impl_->segment(segment); }
uint64_t Reassembler::connectionOf(const Segment& segment) const { return impl_->connectionOf(segment); }
Sender Reassembler::senderOf(const Segment& segment) { return impl_->senderOf(segment); }
void Reassembler::advance(int64_t nowNs) { impl_->advance(nowNs); }
void Reassembler::finish(int64_t nowNs) { impl_->finish(nowNs); }

Reassembler::Impl::Impl(const ReassemblyOptions& options, StreamListener& listener, Stats& stats)
    : options_(sane(options)),
      listener_(listener),
      stats_(stats),
      connections_(options_.maxConnections),
      history_(options_.maxBufferedBytes / historyShare),
      clock_(2 * std::max({options_.idleTimeoutNs, options_.holeTimeoutNs, options_.reorderNs, rememberClosedNs})),
      visitEveryNs_(std::max<int64_t>(options_.idleTimeoutNs / 8, 1)) {}

void Reassembler::Impl::prefetch(const Segment& segment) {
  // Three dependent misses: the slot of the table, the connection, the listener's state. Each is asked for when the one
  // before it has had time to arrive.
  const uint32_t hash = hash_(segment);
  const uint32_t count = announcedCount_++;
  announced_[count % announcedKept] = {hash, 0};
  table_.prefetch(hash);
  Announced& middle = announced_[(count - announcedKept / 2) % announcedKept];
  middle.index = table_.guess(middle.hash);
  if (middle.index != 0) {
    const auto* lines = reinterpret_cast<const uint8_t*>(connections_.address(middle.index));
    __builtin_prefetch(lines, 1);
    __builtin_prefetch(lines + 64, 1);
  }
  const uint32_t last = announced_[(count - announcedKept * 3 / 4) % announcedKept].index;
  if (last == 0) return;
  if (const void* context = connections_.at(last).info.context; context != nullptr) __builtin_prefetch(context, 1);
}

uint32_t Reassembler::Impl::lookup(const Segment& segment, uint32_t hash, Side& side) const {
  const uint32_t forward = portsOf(segment.sourcePort, segment.destinationPort);
  const uint32_t backward = portsOf(segment.destinationPort, segment.sourcePort);
  return table_.find(hash, [&](uint32_t index) {
    const Connection& connection = connections_.at(index);
    const ConnectionInfo& info = connection.info;
    if (connection.scope != segment.scope) return false;
    const uint32_t ports = portsOf(info.port[0], info.port[1]);
    if (ports == forward && info.address[0] == segment.source && info.address[1] == segment.destination) {
      side = 0;
      return true;
    }
    side = 1;
    return ports == backward && info.address[1] == segment.source && info.address[0] == segment.destination;
  });
}

uint64_t Reassembler::Impl::connectionOf(const Segment& segment) const {
  Side side = 0;
  const uint32_t index = lookup(segment, hash_(segment), side);
  return index == 0 ? 0 : connections_.at(index).info.id;
}

Sender Reassembler::Impl::senderOf(const Segment& segment) {
  Sender sender;
  const uint32_t index = lookup(segment, hash_(segment), sender.side);
  if (index != 0) sender.connection = &connections_.at(index).info;
  return sender;
}

void Reassembler::Impl::segment(const Segment& segment) {
  ++stats_.tcp_segments;
  stats_.tcp_payloadBytes += segment.payloadLength;
  ++arrivals_;
  packetNs_ = segment.timestampNs;
  if (clock_.observe(segment.timestampNs) >= nextDueNs_) runDue(segment.timestampNs, 4);

  const uint32_t hash = hash_(segment);
  Side side = 0;
  const uint32_t index = lookup(segment, hash, side);
  if (index == 0) {
    newcomer(segment, hash);
    return;
  }
  Connection& connection = connections_.at(index);
  connection.activeNs = clock_.now();

  // The short way: ordered, and nothing else going on.
  Direction& direction = connection.direction[side];
  const Direction& peer = connection.direction[other(side)];
  constexpr uint8_t rareBits = control::syn | control::fin | control::rst;
  if ((connection.flags & shortWayMask(side)) == shortWayFlags(side) && (direction.pending | peer.pending) == 0 &&
      (segment.controlBits & rareBits) == 0 && segment.truncatedLength == 0 &&
      segment.sequence == direction.nextSequence()) {
    bool ordered = true;
    if ((segment.controlBits & control::ack) != 0) {
      if (!connection.has(other(side), side_flag::baseKnown)) {
        noteAckHint(connection, other(side), segment.acknowledgment);
      } else if (connection.has(other(side), side_flag::seen)) {
        ordered = distance(segment.acknowledgment, peer.nextSequence()) <= 0;
      }
    }
    if (ordered) {
      if (segment.payloadLength != 0) {
        deliver(connection, side, segment.payload, segment.payloadLength, segment.timestampNs);
      }
      return;
    }
  }
  unusual(index, side, segment);
}

void Reassembler::Impl::newcomer(const Segment& segment, uint32_t hash) {
  const bool carries = lengthOnWire(segment) > 0;
  const bool isSyn = (segment.controlBits & control::syn) != 0;
  // A RST says nothing of any stream. A FIN alone is the rest of a connection that is over.
  if ((segment.controlBits & control::rst) != 0 ||
      (!isSyn && !carries && (segment.controlBits & (control::fin | control::ack)) != control::ack)) {
    countLate(segment.payloadLength);
    return;
  }
  const uint32_t index = allocate();
  Connection& connection = connections_.at(index);
  connection.info.address[0] = segment.source;
  connection.info.address[1] = segment.destination;
  connection.info.port[0] = segment.sourcePort;
  connection.info.port[1] = segment.destinationPort;
  connection.scope = segment.scope;
  startOver(connection, segment);
  table_.insert(hash, index);
  enqueue(index, Standing::halfOpen);
  unusual(index, 0, segment);
}

void Reassembler::Impl::startOver(Connection& connection, const Segment& segment) {
  // Address and ports stay: which end is side 0 does not matter to anyone.
  ConnectionInfo& info = connection.info;
  info.id = firstUnopenedId | (++lastUnopened_ & (firstUnopenedId - 1));
  info.handshakeUs = 0;
  info.ipVersion = segment.ipVersion;
  info.initiator = unknownSide;
  info.vlan = segment.vlan;
  info.openTimeNs = segment.timestampNs;
  info.context = nullptr;
  connection.direction[0] = Direction{};
  connection.direction[1] = Direction{};
  connection.flags = 0;
  connection.activeNs = clock_.now();
}

void Reassembler::Impl::unusual(uint32_t index, Side side, const Segment& segment) {
  Connection& connection = connections_.at(index);
  if (connection.has(flag::closed) && straggler(connection, index, side, segment) == Verdict::ignore) return;
  const bool isSyn = (segment.controlBits & control::syn) != 0;
  const bool isRst = (segment.controlBits & control::rst) != 0;
  const bool carries = lengthOnWire(segment) > 0;
  current_ = index;
  if (!isSyn && !isRst) {
    if (connection.has(flag::challenged)) challengeConfirmed(connection, index, side, segment);
    if (carries && connection.has(side, side_flag::baseKnown) && connection.has(flag::opened) &&
        placeFar(connection, index, side, segment) == Verdict::ignore) {
      countLate(segment.payloadLength);
      return;
    }
  }

  for (const Direction& direction : connection.direction) {
    if (direction.pending != 0) ++pendings_.at(direction.pending).segments;
  }
  if (isRst) {
    countLate(segment.payloadLength);
    reset(connection, index, side, segment);
    return;
  }
  if (isSyn && synchronize(connection, index, side, segment) == Verdict::ignore) {
    countLate(segment.payloadLength);
    settle(connection, index, segment.timestampNs);
    return;
  }
  connection.set(side, side_flag::seen);

  uint64_t needs = 0;
  if ((segment.controlBits & control::ack) != 0) {
    needs = acknowledge(connection, index, other(side), segment.acknowledgment);
    if (!isSyn && connection.info.initiator == static_cast<int8_t>(side) && !connection.has(flag::answered))
      finishHandshake(connection, side, segment.timestampNs);
  }
  const bool isFin = (segment.controlBits & control::fin) != 0;
  if (carries && !connection.has(side, side_flag::baseKnown) && !establish(connection, side, segment)) {
    countLate(segment.payloadLength);
    return;
  }
  if (connection.has(side, side_flag::baseKnown)) {
    const uint32_t sequence = segment.sequence + (isSyn ? 1 : 0);
    if (carries || isSyn) {
      if (!connection.has(flag::opened)) open(connection, segment.timestampNs);
    }
    if (carries) {
      payload(connection, index, side, segment, sequence, needs);
    } else if (!isSyn && !isFin && distance(sequence, connection.direction[side].nextSequence()) == -1 &&
               !connection.has(side, side_flag::ended)) {
      ++stats_.tcp_keepAliveProbes;
    }
    if (isFin) finNumber(connection, index, side, segment, needs);
  } else if (isFin && connection.has(flag::opened)) {
    // The end of a side of which no byte was seen: it is where the stream begins and ends.
    connection.direction[side] = Direction{0, segment.sequence, connection.direction[side].pending};
    connection.set(side, side_flag::baseKnown);
    finNumber(connection, index, side, segment, needs);
  }
  settle(connection, index, segment.timestampNs);
  current_ = 0;
  while (chargedBytes() > options_.maxBufferedBytes && relieve(segment.timestampNs)) {
  }
}

void Reassembler::Impl::finNumber(Connection& connection, uint32_t index, Side side, const Segment& segment,
                                  uint64_t needs) {
  if (connection.has(side, side_flag::ended)) return;
  Direction& direction = connection.direction[side];
  const uint32_t isSyn = (segment.controlBits & control::syn) != 0 ? 1 : 0;
  const uint32_t sequence = segment.sequence + isSyn + lengthOnWire(segment);
  const int32_t ahead = distance(sequence, direction.nextSequence());
  // Behind what was delivered it contradicts the stream; far ahead of it, it is not of this stream.
  if (ahead < 0 || ahead > maxUnconfirmedJumpBytes) return;
  if (ahead == 0 && (direction.pending | connection.direction[other(side)].pending) == 0) {
    endSide(connection, side, segment.timestampNs);
    return;
  }
  Pending& pending = pendingOf(connection, index, side);
  if (pending.fin.known) return;
  pending.fin.known = true;
  pending.fin.offset = direction.next + static_cast<uint64_t>(ahead);
  pending.fin.needs = needs;
  pending.relaxNeeds(pending.pieceIndexEnd(), needs);
  pending.fin.arrival = arrivals_;
  pending.fin.timeNs = segment.timestampNs;
  pending.fin.since = {clock_.now(), pending.segments};
}

bool Reassembler::Impl::handshakeDone(const Connection& connection) const {
  return connection.has(0, side_flag::seen) && connection.has(1, side_flag::seen) &&
         connection.has(0, side_flag::baseKnown) && connection.has(1, side_flag::baseKnown);
}

void Reassembler::Impl::updateStanding(Connection& connection, uint32_t index) {
  Standing standing = Standing::halfOpen;
  if (connection.has(flag::carriedData)) {
    standing = Standing::active;
  } else if (connection.info.initiator != unknownSide && connection.has(0, side_flag::seen) &&
             connection.has(1, side_flag::seen)) {
    // A server answers a flood, so only a further word of the initiator makes it a connection.
    const auto initiator = static_cast<Side>(connection.info.initiator);
    if (connection.has(initiator, side_flag::synSeen) && connection.has(other(initiator), side_flag::synSeen) &&
        connection.has(flag::answered)) {
      standing = Standing::silent;
    }
  }
  if (standing != static_cast<Standing>(connection.standing)) connections_.requeue(index, standing, clock_.now());
}

}  // namespace flowtap::tcp
