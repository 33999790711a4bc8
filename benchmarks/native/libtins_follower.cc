// The fastest reassembler that distributions package, as a peer: libtins' StreamFollower, without HTTP.
//   bench_libtins FILE [--port N]
#include <tins/tcp_ip/stream_follower.h>
#include <tins/tins.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "measure.h"

namespace {

struct Counts {
  uint64_t connections = 0;
  uint64_t dataBytes = 0;
};

void follow(Tins::TCPIP::Stream& stream, Counts& counts) {
  counts.connections++;
  stream.auto_cleanup_payloads(true);
  stream.client_data_callback(
      [&counts](Tins::TCPIP::Stream& from) { counts.dataBytes += from.client_payload().size(); });
  stream.server_data_callback(
      [&counts](Tins::TCPIP::Stream& from) { counts.dataBytes += from.server_payload().size(); });
}

Counts reassemble(const std::string& path, const std::string& filter) {
  Counts counts;
  Tins::FileSniffer sniffer(path, filter);
  Tins::TCPIP::StreamFollower follower;
  follower.new_stream_callback([&counts](Tins::TCPIP::Stream& stream) { follow(stream, counts); });
  sniffer.sniff_loop([&follower](Tins::PDU& packet) {
    follower.process_packet(packet);
    return true;
  });
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const std::string path = arguments.positional();
  const std::string port = arguments.value("--port", "");
  if (path.empty()) {
    std::fprintf(stderr, "usage: bench_libtins FILE [--port N]\n");
    return 2;
  }
  try {
    const double before = bench::cpuSeconds();
    const Counts counts = reassemble(path, port.empty() ? "tcp" : "tcp port " + port);
    bench::JsonLine line;
    line.number("cpuSeconds", bench::cpuSeconds() - before);
    line.number("peakKiB", bench::peakKiB());
    line.number("connections", counts.connections);
    line.number("dataBytes", counts.dataBytes);
    line.print();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_libtins: %s\n", failure.what());
    return 1;
  }
  return 0;
}
