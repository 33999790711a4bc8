#include "recording/ledger.h"

namespace flowtap::recording {

Ledger::Entry* Ledger::find(Key key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

void Ledger::select(Key connection) {
  if (Entry* entry = find(connection); entry != nullptr) entry->selected = true;
}

void Ledger::reject(Key connection) {
  if (Entry* entry = find(connection); entry != nullptr) entry->rejected = true;
}

void Ledger::close(Key connection) {
  Entry* entry = find(connection);
  if (entry == nullptr) return;
  entry->closed = true;
  closed_.push_back(connection);
  if (closed_.size() <= closedRemembered) return;
  const auto oldest = entries_.find(closed_.front());
  closed_.pop_front();
  if (oldest == entries_.end()) return;
  oldest->second.forgotten = true;
  if (oldest->second.packets == 0) entries_.erase(oldest);
}

void Ledger::expect(Key connection, uint64_t message) {
  lastExpected_ = message;
  if (Entry* entry = find(connection); entry != nullptr) entry->lastMessage = message;
}

void Ledger::selectPast(Key connection, uint64_t message) {
  if (Entry* entry = find(connection); entry != nullptr && entry->selectedPast == 0) entry->selectedPast = message;
}

void Ledger::join(Key provisional, Key to) {
  Entry* entry = find(provisional);
  if (entry == nullptr || entry->joined != 0) return;
  Entry* target = find(to);
  if (target == nullptr && isProvisional(to)) {
    target = &entries_[to];
    target->sinceNs = entry->sinceNs;
  }
  entry->rejected = target == nullptr;
  if (target == nullptr) return;
  entry->joined = to;
  target->packets += entry->packets;
}

/// A fragment of a tunnel may belong to a fragment in it, that to a segment that was held, and that to a connection.
Ledger::Entries::const_iterator Ledger::resolve(Key key) const {
  auto found = entries_.find(key);
  while (found != entries_.end() && found->second.joined != 0) found = entries_.find(found->second.joined);
  return found;
}

Verdict Ledger::verdict(Key key, int64_t nowNs) const {
  const auto found = resolve(key);
  if (found == entries_.end()) return Verdict::drop;
  const Entry& entry = found->second;
  if (isSelected(entry)) return Verdict::write;
  if (entry.rejected) return Verdict::drop;
  if (isProvisional(found->first)) {
    // Unsigned: packet times are anything. Either way round: they may jump back.
    const uint64_t ahead = static_cast<uint64_t>(nowNs) - static_cast<uint64_t>(entry.sinceNs);
    const uint64_t apart = nowNs >= entry.sinceNs ? ahead : ~ahead + 1;
    return apart > static_cast<uint64_t>(provisionalNs) ? Verdict::drop : Verdict::wait;
  }
  return entry.closed && !isPending(entry) ? Verdict::drop : Verdict::wait;
}

bool Ledger::isWithConsumer(Key key) const {
  const auto found = resolve(key);
  return found != entries_.end() && isPending(found->second);
}

void Ledger::hold(Key key, int64_t nowNs) {
  Entry& entry = entries_[key];
  if (entry.packets++ == 0) entry.sinceNs = nowNs;
}

void Ledger::release(Key key) {
  while (key != 0) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    const Key joined = found->second.joined;
    if (--found->second.packets == 0 && (found->second.forgotten || isProvisional(key))) entries_.erase(found);
    key = joined;
  }
}

bool Ledger::noteWritten(Key key) {
  const auto found = resolve(key);
  if (found == entries_.end()) return false;
  auto& entry = const_cast<Entry&>(found->second);
  const bool first = !entry.written;
  entry.written = true;
  return first;
}

}  // namespace flowtap::recording
