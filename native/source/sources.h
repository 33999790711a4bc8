// The three ways in: a live interface, a capture file, a stream of capture-file bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/packet_source.h"
#include "source/share.h"

namespace flowtap::source {

/// The innermost connections that are wanted. Empty lists select everything. A kernel filter derived from it may only
/// be a superset: fragments, VLAN frames, MPLS and tunnels must still arrive.
struct Selection {
  std::vector<uint16_t> ports;         ///< any of these is either port of the TCP connection
  std::vector<std::string> addresses;  ///< IPv4 or IPv6 addresses, either end; any of them
};

struct LiveOptions {
  std::string interface = "any";
  std::string networkNamespace;  ///< path of the namespace that it is in; empty: the capture thread's
  std::string filter;            ///< the user's BPF expression on the outer packet; and-ed with what `selection` allows
  Selection selection;
  Share share;  ///< what the other workers of the same interface need not let through
  uint32_t snaplen = 262144;
  bool promiscuous = false;
  uint32_t bufferBytes = 64u << 20;
  bool immediate = false;  ///< deliver within about a millisecond instead of collecting packets for pollTimeoutMs
  int pollTimeoutMs = 5;   ///< packet buffer time-out of libpcap (how long the kernel may collect a block)
};

struct FileOptions {
  std::string path;
  std::string filter;  ///< applied to each packet by its own link type
};

/// A bounded hand-over of bytes from one producer thread to the capture thread.
class ByteQueue;

struct StreamOptions {
  std::shared_ptr<ByteQueue> queue;
  std::string filter;
};

std::unique_ptr<PacketSource> makeLiveSource(LiveOptions options);
std::unique_ptr<PacketSource> makeFileSource(FileOptions options);
std::unique_ptr<PacketSource> makeStreamSource(StreamOptions options);

/// Compiles a BPF expression for a link type without opening anything; an Error with ERR_FILTER and libpcap's own words
/// if it is bad.
Error checkFilter(const std::string& expression, uint32_t linkType);

/// Version line of the libpcap in use, such as "libpcap version 1.10.3 (with TPACKET_V3)".
std::string libpcapVersion();

}  // namespace flowtap::source
