// From the bytes of one connection to batches, and a reader of those.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "delivery/batch_writer.h"
#include "delivery/mailbox.h"
#include "http/http1_handler.h"

namespace flowtap::test {

using namespace flowtap::delivery;

struct DeliveryFixture {
  explicit DeliveryFixture(WhenFull whenFull = WhenFull::wait, size_t maxBytes = 16u << 20,
                           http::HttpOptions options = {})
      : mailbox(maxBytes),
        outbox(mailbox, whenFull, stats, [this] { rings++; }),
        writer(outbox, stats),
        handler(options, writer, stats) {
    info = tcp::ConnectionInfo{};
    info.id = 7;
    info.port[0] = 40000;
    info.port[1] = 80;
    info.ipVersion = 4;
    info.initiator = 0;
    info.vlan = decode::noVlan;
  }
  ~DeliveryFixture() { handler.close(info, state, tcp::CloseReason::ended, 0); }
  void send(tcp::Side side, const std::string& bytes, int64_t timeNs = 1) {
    handler.data(info, state, side, offset[side], reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), timeNs);
    offset[side] += bytes.size();
  }

  Stats stats;
  int rings = 0;
  Mailbox mailbox;
  Outbox outbox;
  BatchWriter writer;
  http::Http1Handler handler;
  tcp::ConnectionInfo info;
  void* state = nullptr;
  uint64_t offset[2] = {0, 0};
};

struct ReadBatch {
  explicit ReadBatch(const Batch& batch) : bytes((batch.bufferSize() + 7) / 8) {
    batch.write(reinterpret_cast<uint8_t*>(bytes.data()));
    std::memcpy(&header, bytes.data(), sizeof header);
  }
  const uint8_t* at(uint32_t offset) const { return reinterpret_cast<const uint8_t*>(bytes.data()) + offset; }
  Record record(size_t index) const {
    Record record;
    std::memcpy(&record, at(header.recordsOffset + static_cast<uint32_t>(index * sizeof(Record))), sizeof record);
    return record;
  }
  Continuation continuation(size_t index) const {
    Continuation continuation;
    std::memcpy(&continuation, at(header.continuationsOffset + static_cast<uint32_t>(index * sizeof continuation)),
                sizeof continuation);
    return continuation;
  }
  std::string text(uint32_t offset, uint32_t length) const {
    return std::string(reinterpret_cast<const char*>(at(offset)), length);
  }
  std::vector<uint64_t> bytes;
  BatchHeader header;
};

}  // namespace flowtap::test
