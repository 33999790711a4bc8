#include "delivery/outbox.h"

#include <cstring>
#include <utility>

namespace flowtap::delivery {

namespace {

/// A kept record pins its batch, so batches are small.
constexpr size_t maxRecords = 256;
constexpr size_t maxBatchBytes = 256 * 1024;

}  // namespace

Connection connectionEntry(const tcp::ConnectionInfo& info, tcp::Side client) {
  Connection entry{};
  entry.id = static_cast<double>(info.id);
  std::memcpy(entry.clientAddress, info.address[client].words, 16);
  std::memcpy(entry.serverAddress, info.address[tcp::other(client)].words, 16);
  entry.clientPort = info.port[client];
  entry.serverPort = info.port[tcp::other(client)];
  entry.vlan = info.vlan;
  entry.ipVersion = info.ipVersion;
  entry.handshakeSeen = info.initiator == client;
  entry.openTimeNs = info.openTimeNs;
  entry.handshakeUs = static_cast<uint32_t>(info.handshakeUs);
  return entry;
}

Outbox::Outbox(Mailbox& mailbox, WhenFull whenFull, Stats& stats, std::function<void()> handedOver, Numbering numbering)
    : mailbox_(mailbox),
      whenFull_(whenFull),
      stats_(stats),
      handedOver_(std::move(handedOver)),
      numbering_(numbering),
      batch_(mailbox.blank()) {}

bool Outbox::full() const { return batch_->records.size() >= maxRecords || batch_->totalBytes() >= maxBatchBytes; }

bool Outbox::makeRoom() {
  if (!full()) return true;
  const bool room = whenFull_ == WhenFull::drop ? mailbox_.hasRoom() : mailbox_.waitForRoom();
  if (room) flush();
  return room;
}

void Outbox::forceRoom() {
  if (full()) flush();
}

uint32_t Outbox::append(const uint8_t* bytes, size_t length) {
  const size_t at = batch_->arena.size();
  batch_->arena.append(bytes, length);
  return static_cast<uint32_t>(at);
}

uint32_t Outbox::append(Connection entry) {
  entry.id = static_cast<double>(numbering_(static_cast<uint64_t>(entry.id)));
  uint32_t offset = 0;
  std::memcpy(extendAligned(sizeof entry, offset), &entry, sizeof entry);
  return offset;
}

uint8_t* Outbox::extendAligned(size_t length, uint32_t& offset) {
  const size_t padding = (8 - (batch_->arena.size() & 7)) & 7;
  if (padding != 0) std::memset(batch_->arena.extend(padding), 0, padding);
  offset = static_cast<uint32_t>(batch_->arena.size());
  return batch_->arena.extend(length);
}

uint32_t Outbox::attach(ByteBuffer&& body, size_t length) {
  batch_->bodyBytes += length;
  batch_->bodies.push_back(std::move(body));
  return static_cast<uint32_t>(batch_->bodies.size());
}

void Outbox::flushIfIdle() {
  if (!batch_->empty() && mailbox_.empty()) flush();
}

void Outbox::flush() {
  if (batch_->empty()) return;
  stats_.delivery_batches++;
  mailbox_.put(std::move(batch_));
  batch_ = mailbox_.blank();
  batchNumber_++;
  handedOver_();
}

}  // namespace flowtap::delivery
