// Packets of whole TCP conversations, for tests of everything behind decoding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "decode/segment.h"
#include "packet_builder.h"

namespace flowtap::test {

/// One connection from 192.0.2.1:clientPort to 198.51.100.2:80, a microsecond between packets.
class Conversation {
 public:
  explicit Conversation(uint16_t clientPort = 40000, bool handshake = true) : clientPort_(clientPort) {
    if (!handshake) return;
    add(0, "", decode::control::syn);
    next_[0]++;
    add(1, "", decode::control::syn | decode::control::ack);
    next_[1]++;
    add(0, "", decode::control::ack);
  }

  void client(const std::string& bytes) { payload(0, bytes); }
  void server(const std::string& bytes) { payload(1, bytes); }
  void finish() {
    for (int side = 0; side < 2; side++) {
      add(side, "", decode::control::fin | decode::control::ack);
      next_[side]++;
    }
    add(0, "", decode::control::ack);
  }

  const std::vector<Bytes>& packets() const { return packets_; }

 private:
  void payload(int side, const std::string& bytes) {
    for (size_t at = 0; at < bytes.size(); at += 1448) {
      const std::string part = bytes.substr(at, 1448);
      add(side, part, decode::control::ack | decode::control::psh);
      next_[side] += static_cast<uint32_t>(part.size());
    }
  }
  void add(int side, const std::string& bytes, int controlBits) {
    TcpFields fields;
    fields.sourcePort = side == 0 ? clientPort_ : 80;
    fields.destinationPort = side == 0 ? 80 : clientPort_;
    fields.sequence = next_[side];
    fields.acknowledgment = (controlBits & decode::control::ack) != 0 ? next_[1 - side] : 0;
    fields.controlBits = static_cast<uint8_t>(controlBits);
    Ipv4Fields ip;
    if (side == 1) std::swap(ip.source, ip.destination);
    packets_.push_back(ethernet(0x0800, ipv4(6, tcp(bytes, fields), ip)));
  }

  uint16_t clientPort_;
  uint32_t next_[2] = {0xfffffff0, 5000};  // the client's numbers wrap soon
  std::vector<Bytes> packets_;
};

}  // namespace flowtap::test
