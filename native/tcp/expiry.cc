// What time and caps take away.
#include <algorithm>
#include <vector>

#include "tcp/reassembler_impl.h"

namespace flowtap::tcp {

namespace {

constexpr Standing allStandings[] = {Standing::closed, Standing::halfOpen, Standing::silent, Standing::active};

/// Connections without data may fill what others leave free, and always this share: enough for a handshake to be
/// completed under a flood, too little to push out those that are followed.
constexpr uint32_t youngShare = 64;

}  // namespace

void Reassembler::Impl::enqueue(uint32_t index, Standing standing) {
  connections_.enqueue(index, standing, clock_.now());
  nextDueNs_ = std::min(nextDueNs_, clock_.now() + (standing == Standing::closed ? rememberClosedNs : visitEveryNs_));
}

void Reassembler::Impl::forget(uint32_t index) {
  Connection& connection = connections_.at(index);
  releasePending(connection, 0);
  releasePending(connection, 1);
  const ConnectionInfo& info = connection.info;
  table_.erase(hash_(info.address[0], info.port[0], info.address[1], info.port[1], connection.scope), index);
  connections_.dequeue(index);
  connections_.release(index);
}

uint32_t Reassembler::Impl::allocate() {
  for (;;) {
    if (const uint32_t index = connections_.allocate(); index != 0) return index;
    evictOne();
  }
}

void Reassembler::Impl::evictOne() {
  if (const uint32_t index = connections_.front(Standing::closed); index != 0) {
    forget(index);
    return;
  }
  const uint32_t halfOpen = connections_.count(Standing::halfOpen);
  const uint32_t silent = connections_.count(Standing::silent);
  const uint32_t guaranteed = std::max<uint32_t>(options_.maxConnections / youngShare, 1);
  if (halfOpen + silent < guaranteed && connections_.front(Standing::active) != 0) {
    evictFrom(Standing::active);
  } else {
    evictFrom(halfOpen > 0 ? Standing::halfOpen : Standing::silent);
  }
}

/// The least recently active among those that were queued first.
void Reassembler::Impl::evictFrom(Standing standing) {
  constexpr int candidates = 16;
  uint32_t seen[candidates];
  int count = 0;
  uint32_t stalest = 0;
  for (uint32_t index = connections_.front(standing); index != 0 && count < candidates;
       index = connections_.at(index).following) {
    const Connection& connection = connections_.at(index);
    seen[count++] = index;
    if (stalest == 0 || connection.activeNs < connections_.at(stalest).activeNs) stalest = index;
    if (connection.activeNs <= connection.queuedNs) break;
  }
  for (int i = 0; i < count; ++i) {
    const Connection& connection = connections_.at(seen[i]);
    if (seen[i] != stalest && connection.activeNs > connection.queuedNs) {
      connections_.requeue(seen[i], standing, clock_.now());
    }
  }
  close(connections_.at(stalest), CloseReason::evicted, packetNs_);
  forget(stalest);
}

/// Looks at the first of a list; false when it is not due yet.
bool Reassembler::Impl::visitFront(Standing standing, int64_t timeNs) {
  const uint32_t index = connections_.front(standing);
  if (index == 0) return false;
  Connection& connection = connections_.at(index);
  const int64_t queuedForNs = clock_.now() - connection.queuedNs;
  if (standing == Standing::closed) {
    if (queuedForNs < rememberClosedNs) return false;
    forget(index);
    return true;
  }
  if (queuedForNs < visitEveryNs_) return false;
  if (clock_.now() - connection.activeNs >= options_.idleTimeoutNs) {
    close(connection, CloseReason::idle, timeNs);
    forget(index);
  } else {
    connections_.requeue(index, standing, clock_.now());
  }
  return true;
}

void Reassembler::Impl::runDue(int64_t timeNs, uint32_t visits) {
  for (Standing standing : allStandings) {
    for (uint32_t left = visits; left > 0 && visitFront(standing, timeNs); --left) {
    }
  }
  for (uint32_t left = visits; left > 0 && pendings_.earliestNs() <= clock_.now(); --left) {
    const uint32_t index = pendings_.at(pendings_.earliest()).connection;
    settle(connections_.at(index), index, timeNs);
  }
  nextDueNs_ = pendings_.earliestNs();
  for (Standing standing : allStandings) {
    const uint32_t index = connections_.front(standing);
    if (index == 0) continue;
    const int64_t periodNs = standing == Standing::closed ? rememberClosedNs : visitEveryNs_;
    nextDueNs_ = std::min(nextDueNs_, connections_.at(index).queuedNs + periodNs);
  }
}

/// The memory that it takes, not the bytes that are in it.
uint64_t Reassembler::Impl::chargedBytes() const {
  return history_.bytes() + uint64_t{pages_.used()} * sizeof(Page) + pendings_.bytes();
}

uint64_t Reassembler::Impl::chargedBytes(const Pending& pending) const {
  return uint64_t{pending.pages()} * sizeof(Page) + pending.pieceBytes() + PendingPool::bytesEach;
}

/// Gives up the hole that has waited longest, whoever's it is.
bool Reassembler::Impl::relieve(int64_t timeNs) {
  const uint32_t earliest = pendings_.earliest();
  if (earliest == 0) return false;
  const uint32_t index = pendings_.at(earliest).connection;
  const Side side = pendings_.at(earliest).side;
  Connection& connection = connections_.at(index);
  if (!declareHole(connection, side, timeNs) && pendings_.at(earliest).reset.known) {
    connection.flags |= flag::resetDue;
  }
  if (index != current_) {
    settle(connection, index, timeNs);
  } else {
    // The segment in hand is still being placed: closing must wait for it.
    drain(connection);
    if (connection.direction[side].pending != 0) {
      const uint32_t waiting = connection.direction[side].pending;
      // A RST that is due closes the connection once the segment is placed: until then there is nothing more to gain
      // here.
      const bool over = connection.has(flag::resetDue);
      pendings_.setDeadline(
          waiting, over ? PendingPool::never : deadline(pendings_.at(waiting), connection.direction[side].next));
    }
  }
  return true;
}

void Reassembler::Impl::advance(int64_t nowNs) {
  packetNs_ = nowNs;
  if (clock_.observe(nowNs) >= nextDueNs_) runDue(nowNs, UINT32_MAX);
}

void Reassembler::Impl::finish(int64_t nowNs) {
  packetNs_ = nowNs;
  std::vector<std::pair<uint64_t, uint32_t>> open;
  for (uint32_t index = 1; index < connections_.end(); ++index) {
    const Connection& connection = connections_.at(index);
    if (connection.has(flag::opened) && !connection.has(flag::closed)) open.emplace_back(connection.info.id, index);
  }
  std::sort(open.begin(), open.end());
  for (const auto& [id, index] : open) close(connections_.at(index), CloseReason::ended, nowNs);
  for (Standing standing : allStandings) {
    while (connections_.front(standing) != 0) forget(connections_.front(standing));
  }
  nextDueNs_ = INT64_MAX;
}

}  // namespace flowtap::tcp
