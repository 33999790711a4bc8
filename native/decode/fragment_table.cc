#include "decode/fragment_table.h"

#include <algorithm>
#include <cstring>

#include "decode/random_word.h"
#include "decode/scope.h"

namespace flowtap::decode {
namespace {

constexpr uint32_t longestDatagram = 65535;
constexpr uint64_t bookkeepingBytes = 256;  // the list node, the index entry, the heads of the vectors

}  // namespace

size_t FragmentTable::KeyHash::operator()(const FragmentKey& key) const {
  uint64_t hash = seed[0];
  const uint64_t words[] = {
      key.source.words[0],
      key.source.words[1],
      key.destination.words[0],
      key.destination.words[1],
      uint64_t{key.identification} << 32 | key.scope,
      uint64_t{key.protocol} << 8 | key.ipVersion,
  };
  for (const uint64_t word : words) hash = mixBits(hash ^ word) + seed[1];
  return static_cast<size_t>(hash ^ hash >> 32);
}

FragmentTable::FragmentTable(const DecodeOptions& options, Stats& stats)
    : options_(options), stats_(stats), index_(16, KeyHash{{randomWord(), randomWord()}}) {}

bool FragmentTable::add(const FragmentKey& key, const Fragment& fragment, int64_t nowNs, Datagram& datagram) {
  advance(nowNs);
  // A receiver drops these: no content, or an end beyond what IP can carry. A cut one completes nothing.
  uint32_t length = fragment.length;
  if (fragment.more) length &= ~7u;
  if (fragment.missing != 0 || length == 0 || fragment.offset + length > longestDatagram ||
      (key.ipVersion == 6 && length != fragment.length)) {
    ++stats_.decode_fragmentsExpired;
    return false;
  }

  auto found = index_.find(key);
  if (found != index_.end() && expired(*found->second, nowNs)) {
    drop(found->second, stats_.decode_fragmentsExpired);
    found = index_.end();
  }
  if (found == index_.end()) {
    if (index_.size() >= maxDatagrams) drop(order_.begin(), stats_.decode_fragmentsEvicted);
    order_.emplace_back();
    order_.back().key = key;
    order_.back().firstNs = nowNs;
    order_.back().number = ++lastNumber_;
    found = index_.emplace(key, std::prev(order_.end())).first;
  }
  const Order::iterator position = found->second;
  Pending& pending = *position;
  ++pending.fragments;
  touched_.push_back(pending.number);
  if (!pending.refused) {
    Fragment kept = fragment;
    kept.length = length;
    if (!insert(pending, kept)) {
      ++stats_.decode_fragmentsOverlapping;
      if (key.ipVersion == 6) refuse(pending);
    }
    if (pending.pieces.size() > maxPieces) refuse(pending);
    if (pending.total != 0 && pending.covered == pending.total) {
      datagram = assemble(position);
      return true;
    }
  }
  account(pending);
  while (heldBytes_ > options_.maxFragmentBytes && !order_.empty())
    drop(order_.begin(), stats_.decode_fragmentsEvicted);
  return false;
}

bool FragmentTable::insert(Pending& pending, const Fragment& fragment) {
  const uint32_t end = fragment.offset + fragment.length;
  const uint32_t reached = pending.pieces.empty() ? 0 : pending.pieces.back().offset + pending.pieces.back().length;
  if (pending.total != 0 && (end > pending.total || (!fragment.more && end != pending.total))) return false;
  if (!fragment.more) {
    if (reached > end) return false;
    pending.total = end;
  }
  if (fragment.offset == 0) pending.protocol = fragment.protocol;

  bool agrees = true;
  auto next = std::partition_point(pending.pieces.begin(), pending.pieces.end(),
                                   [&](const Piece& piece) { return piece.offset + piece.length <= fragment.offset; });
  size_t index = static_cast<size_t>(next - pending.pieces.begin());
  for (uint32_t at = fragment.offset; at < end; ++index) {
    const uint8_t* data = fragment.data + (at - fragment.offset);
    const bool last = index == pending.pieces.size();
    if (last || pending.pieces[index].offset > at) {  // a hole
      const uint32_t until = last ? end : std::min(end, pending.pieces[index].offset);
      append(pending, index, at, data, until - at);
      at = until;
      continue;
    }
    const Piece& piece = pending.pieces[index];
    const uint32_t until = std::min(end, piece.offset + piece.length);
    if (std::memcmp(pending.bytes.data() + piece.at + (at - piece.offset), data, until - at) != 0) agrees = false;
    at = until;
  }
  return agrees;
}

void FragmentTable::append(Pending& pending, size_t position, uint32_t offset, const uint8_t* data, uint32_t length) {
  const auto at = static_cast<uint32_t>(pending.bytes.size());
  pending.bytes.insert(pending.bytes.end(), data, data + length);
  pending.pieces.insert(pending.pieces.begin() + static_cast<std::ptrdiff_t>(position), {offset, length, at});
  pending.covered += length;
}

void FragmentTable::refuse(Pending& pending) {
  pending.refused = true;
  pending.total = 0;
  std::vector<Piece>().swap(pending.pieces);  // an assignment of {} would keep the memory
  std::vector<uint8_t>().swap(pending.bytes);
}

void FragmentTable::account(Pending& pending) {
  heldBytes_ -= pending.footprint;
  pending.footprint = bookkeepingBytes + pending.pieces.capacity() * sizeof(Piece) + pending.bytes.capacity();
  heldBytes_ += pending.footprint;
}

void FragmentTable::drop(Order::iterator pending, uint64_t& counter) {
  counter += pending->fragments;
  heldBytes_ -= pending->footprint;
  index_.erase(pending->key);
  order_.erase(pending);
}

Datagram FragmentTable::assemble(Order::iterator pending) {
  auto whole = std::make_unique<uint8_t[]>(pending->total);
  for (const Piece& piece : pending->pieces) {
    std::memcpy(whole.get() + piece.offset, pending->bytes.data() + piece.at, piece.length);
  }
  const Datagram datagram = {whole.get(), pending->total, pending->protocol};
  assembled_.push_back(std::move(whole));
  ++stats_.decode_fragmentDatagrams;
  uint64_t completed = 0;
  drop(pending, completed);
  return datagram;
}

void FragmentTable::releaseDatagrams() {
  assembled_.clear();
  touched_.clear();
}

bool FragmentTable::expired(const Pending& pending, int64_t nowNs) const {
  // Unsigned, because packet times are anything; either way round, because they may jump back.
  const uint64_t apart = nowNs >= pending.firstNs
                             ? static_cast<uint64_t>(nowNs) - static_cast<uint64_t>(pending.firstNs)
                             : static_cast<uint64_t>(pending.firstNs) - static_cast<uint64_t>(nowNs);
  return apart > static_cast<uint64_t>(options_.fragmentTimeoutNs);
}

void FragmentTable::advance(int64_t nowNs) {
  while (!order_.empty() && expired(order_.front(), nowNs)) drop(order_.begin(), stats_.decode_fragmentsExpired);
}

}  // namespace flowtap::decode
