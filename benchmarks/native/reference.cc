// The yardsticks: what it costs to read a capture file and do nothing with it.
//   bench_reference FILE [--mode pcap|pcap-aligned|read]
// pcap: pcap_loop with an empty callback, libpcap as it comes. pcap-aligned: with a page-aligned stdio buffer of 1 MiB.
// read: read(2) in blocks of 1 MiB, looking at each record's header and at the first bytes of its packet.
#include <fcntl.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "measure.h"

namespace {

constexpr size_t blockBytes = 1u << 20;

struct Counts {
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

void countPacket(u_char* user, const pcap_pkthdr* header, const u_char*) {
  auto* counts = reinterpret_cast<Counts*>(user);
  counts->packets++;
  counts->bytes += header->caplen;
}

bool readWithPcap(const char* path, bool aligned, Counts& counts) {
  FILE* file = std::fopen(path, "rb");
  if (!file) return false;
  void* buffer = aligned ? std::aligned_alloc(4096, blockBytes) : nullptr;
  if (buffer) std::setvbuf(file, static_cast<char*>(buffer), _IOFBF, blockBytes);
  char message[PCAP_ERRBUF_SIZE];
  pcap_t* capture = pcap_fopen_offline(file, message);
  if (!capture) return false;
  const bool whole = pcap_loop(capture, -1, countPacket, reinterpret_cast<u_char*>(&counts)) == 0;
  pcap_close(capture);
  std::free(buffer);
  return whole;
}

bool readPlainly(const char* path, Counts& counts, uint32_t& touched) {
  const int descriptor = open(path, O_RDONLY);
  if (descriptor < 0) return false;
  // What is left of a block is moved in front of the next one, which is read to an aligned address.
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(4096, 2 * blockBytes));
  size_t rest = 0;
  size_t skip = 24;
  uint8_t* const block = memory + blockBytes;
  for (ssize_t got; (got = read(descriptor, block, blockBytes)) > 0;) {
    const uint8_t* at = block - rest + skip;
    skip = 0;
    const uint8_t* const end = block + got;
    while (at + 16 <= end) {
      uint32_t length;
      std::memcpy(&length, at + 8, 4);
      if (length > blockBytes / 2 || at + 16 + length > end) break;
      counts.packets++;
      counts.bytes += length;
      touched += at[16 + 23];
      at += 16 + length;
    }
    rest = static_cast<size_t>(end - at);
    std::memmove(block - rest, at, rest);
  }
  close(descriptor);
  std::free(memory);
  return rest == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const std::string mode = arguments.value("--mode", "pcap-aligned");
  const std::string path = arguments.positional();
  if (path.empty() || (mode != "pcap" && mode != "pcap-aligned" && mode != "read")) {
    std::fprintf(stderr, "usage: bench_reference FILE [--mode pcap|pcap-aligned|read]\n");
    return 2;
  }
  Counts counts;
  uint32_t touched = 0;
  const double before = bench::cpuSeconds();
  const bool read = mode == "read" ? readPlainly(path.c_str(), counts, touched)
                                   : readWithPcap(path.c_str(), mode == "pcap-aligned", counts);
  const double seconds = bench::cpuSeconds() - before;
  if (!read) {
    std::fprintf(stderr, "bench_reference: %s cannot be read\n", path.c_str());
    return 1;
  }
  bench::JsonLine line;
  line.text("mode", mode);
  line.number("cpuSeconds", seconds);
  line.number("packets", counts.packets);
  line.number("packetBytes", counts.bytes);
  line.number("peakKiB", bench::peakKiB());
  line.number("touched", uint64_t{touched});
  line.print();
  return 0;
}
