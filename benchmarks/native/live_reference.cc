// The yardstick of live captures: libpcap with a ring, and a callback that does nothing.
//   bench_live INTERFACE [--filter EXPRESSION] [--buffer BYTES]
// Says "ready" on standard error when it captures, ends with SIGINT or SIGTERM, and then prints what the kernel
// counted.
#include <pcap/pcap.h>
#include <poll.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "measure.h"

namespace {

constexpr int readTimeoutMs = 10;
/// How long a signal may go unnoticed that came just before poll().
constexpr int pollMs = 250;

volatile std::sig_atomic_t stopping = 0;

void stop(int) { stopping = 1; }

void countPacket(u_char* user, const pcap_pkthdr*, const u_char*) { ++*reinterpret_cast<uint64_t*>(user); }

pcap_t* openInterface(const std::string& name, int bufferBytes, char* words) {
  pcap_t* capture = pcap_create(name.c_str(), words);
  if (!capture) return nullptr;
  pcap_set_snaplen(capture, 262144);
  pcap_set_buffer_size(capture, bufferBytes);
  pcap_set_timeout(capture, readTimeoutMs);
  return pcap_activate(capture) < 0 ? nullptr : capture;
}

bool setFilter(pcap_t* capture, const std::string& expression) {
  if (expression.empty()) return true;
  bpf_program program;
  if (pcap_compile(capture, &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) return false;
  const bool set = pcap_setfilter(capture, &program) == 0;
  pcap_freecode(&program);
  return set;
}

bool drain(pcap_t* capture, uint64_t& packets) {
  return pcap_dispatch(capture, -1, countPacket, reinterpret_cast<u_char*>(&packets)) >= 0;
}

bool countUntilStopped(pcap_t* capture, uint64_t& packets) {
  pollfd descriptor = {pcap_get_selectable_fd(capture), POLLIN, 0};
  while (!stopping) {
    if (poll(&descriptor, 1, pollMs) > 0 && !drain(capture, packets)) return false;
  }
  return drain(capture, packets);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const std::string interface = arguments.positional();
  if (interface.empty()) {
    std::fprintf(stderr, "usage: bench_live INTERFACE [--filter EXPRESSION] [--buffer BYTES]\n");
    return 2;
  }
  char words[PCAP_ERRBUF_SIZE] = "";
  pcap_t* capture = openInterface(interface, std::atoi(arguments.value("--buffer", "67108864").c_str()), words);
  if (!capture || !setFilter(capture, arguments.value("--filter", "")) || pcap_setnonblock(capture, 1, words) != 0) {
    std::fprintf(stderr, "bench_live: cannot capture on %s: %s\n", interface.c_str(),
                 capture ? pcap_geterr(capture) : words);
    return 1;
  }
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  std::fprintf(stderr, "ready\n");

  uint64_t packets = 0;
  const bool whole = countUntilStopped(capture, packets);
  pcap_stat counters{};
  pcap_stats(capture, &counters);
  pcap_close(capture);

  bench::JsonLine line;
  line.number("packets", packets);
  line.number("kernelReceived", uint64_t{counters.ps_recv});
  line.number("kernelDropped", uint64_t{counters.ps_drop});
  line.number("cpuSeconds", bench::cpuSeconds());
  line.print();
  return whole ? 0 : 1;
}
