// A compiled BPF expression.
#pragma once

#include <pcap.h>

#include <cstdint>
#include <string>

#include "source/packet.h"

namespace flowtap::source {

class BpfProgram {
 public:
  BpfProgram() = default;
  ~BpfProgram();
  BpfProgram(BpfProgram&& other) noexcept;
  BpfProgram& operator=(BpfProgram&& other) noexcept;

  /// Compiles for a link type. False: `words` holds what libpcap says. May ask the resolver when the expression names
  /// hosts.
  bool compile(const std::string& expression, uint32_t linkType, std::string& words);
  /// The same for an open handle, whose operating system may offer more (VLAN tags beside the packet).
  bool compile(const std::string& expression, pcap_t* handle, std::string& words);

  bool matches(const Packet& packet) const;
  bpf_program* raw() { return &program_; }

 private:
  void reset();
  bpf_program program_ = {0, nullptr};
};

}  // namespace flowtap::source
