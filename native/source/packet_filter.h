// The user's BPF expression on the packets of a file, each by its own link type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/bpf_program.h"
#include "source/packet.h"
#include "source/packet_source.h"

namespace flowtap::source {

class PacketFilter {
 public:
  explicit PacketFilter(std::string expression) : expression_(std::move(expression)) {}

  bool empty() const { return expression_.empty(); }
  /// Compiles for the first link type of a file.
  Error prepare(uint32_t linkType);
  /// Keeps the packets that match, in order, and returns how many. Where the expression has no meaning for a link type,
  /// its packets do not match.
  size_t keepMatching(Packet* packets, size_t count);

 private:
  struct Entry {
    uint32_t linkType;
    std::optional<BpfProgram> program;
  };
  const BpfProgram* programFor(uint32_t linkType);
  const Entry& add(uint32_t linkType, std::string& words);

  const std::string expression_;
  std::vector<Entry> entries_;
};

}  // namespace flowtap::source
