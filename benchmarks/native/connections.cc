// What a packet costs with so many connections open: bench_connections --connections N [--exchanges N]
// Opens the connections, then lets each exchange be one of a connection picked at random: request, response,
// acknowledgment. Packets are made on the fly, 256 at a time, and only the time within the pipeline is counted.
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "measure.h"
#include "pipeline.h"

namespace {

constexpr size_t burstPackets = 256;
constexpr size_t headerBytes = 14 + 20 + 20;
constexpr size_t maxPacketBytes = 1024;
constexpr uint32_t ethernet = 1;
constexpr uint16_t serverPort = 8000;

constexpr uint8_t syn = 0x02;
constexpr uint8_t push = 0x08;
constexpr uint8_t ack = 0x10;

const std::string request =
    "GET /api/v2/users/0123456789 HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: benchmark/1.0 (connections)\r\n"
    "Accept: application/json\r\nAccept-Encoding: gzip, br\r\nAuthorization: Bearer "
    "0123456789abcdef0123456789abcdef\r\n"
    "X-Request-Id: 00000000-0000-4000-8000-000000000000\r\nCookie: session=0123456789abcdef\r\n\r\n";
const std::string response =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\nCache-Control: no-store\r\n"
    "X-Request-Id: 00000000-0000-4000-8000-000000000000\r\n\r\n"
    "{\"id\":123456789,\"name\":\"a name of some length\",\"state\":\"active\"} ";

int64_t threadCpuNs() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void put16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

void put32(uint8_t* at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

/// Bytes that both sides have sent.
struct Sent {
  uint32_t client = 0;
  uint32_t server = 0;
};

/// The pipeline, its consumer on the same thread, and the packets that go in.
class Wire {
 public:
  explicit Wire(const flowtap::PipelineOptions& options)
      : mailbox_(64u << 20), pipeline_(options, mailbox_, [] {}), memory_(burstPackets * maxPacketBytes) {}

  void send(uint32_t connection, bool fromClient, uint8_t flags, const Sent& sent, const std::string& payload) {
    uint8_t* const frame = memory_.data() + count_ * maxPacketBytes;
    const size_t length = headerBytes + payload.size();
    std::memset(frame, 2, 12);
    put16(frame + 12, 0x0800);
    uint8_t* const ip = frame + 14;
    put32(ip, 0x45000000 | static_cast<uint32_t>(length - 14));
    put32(ip + 4, 0);
    put32(ip + 8, 0x40060000);
    // 50,000 ports a client address.
    const uint32_t client = 0x0b000000 + connection / 50'000;
    const uint32_t clientPort = 10'000 + connection % 50'000;
    put32(ip + 12, fromClient ? client : server_);
    put32(ip + 16, fromClient ? server_ : client);
    uint8_t* const tcp = ip + 20;
    put16(tcp, fromClient ? clientPort : serverPort);
    put16(tcp + 2, fromClient ? serverPort : clientPort);
    const uint32_t own = fromClient ? sent.client : sent.server;
    const uint32_t other = fromClient ? sent.server : sent.client;
    put32(tcp + 4, own);
    put32(tcp + 8, (flags & ack) != 0 ? other : 0);
    put32(tcp + 12, 0x50000000 | static_cast<uint32_t>(flags) << 16 | 0xffff);
    put32(tcp + 16, 0);
    std::copy(payload.begin(), payload.end(), tcp + 20);
    timeNs_ += 1000;
    const auto captured = static_cast<uint32_t>(length);
    burst_[count_++] = {frame, captured, captured, timeNs_, ethernet, 0};
    if (count_ == burstPackets) flush();
  }

  void flush() {
    if (count_ == 0) return;
    const int64_t before = threadCpuNs();
    pipeline_.packets(burst_.data(), count_);
    pipeline_.advance(timeNs_);
    drain();
    spentNs_ += threadCpuNs() - before;
    packets_ += count_;
    count_ = 0;
  }
  void finish() {
    flush();
    pipeline_.finish();
    drain();
  }
  /// Nanoseconds a packet since the last call.
  double takeCost() {
    const double cost = packets_ == 0 ? 0 : static_cast<double>(spentNs_) / static_cast<double>(packets_);
    spentNs_ = 0;
    packets_ = 0;
    return cost;
  }
  const flowtap::Stats& stats() const { return pipeline_.stats(); }

 private:
  void drain() {
    while (auto batch = mailbox_.take()) mailbox_.recycle(std::move(batch));
  }

  static constexpr uint32_t server_ = 0x0a000050;
  flowtap::delivery::Mailbox mailbox_;
  flowtap::Pipeline pipeline_;
  std::vector<uint8_t> memory_;
  std::array<flowtap::source::Packet, burstPackets> burst_{};
  size_t count_ = 0;
  int64_t timeNs_ = 1'700'000'000'000'000'000;
  int64_t spentNs_ = 0;
  uint64_t packets_ = 0;
};

void openAll(Wire& wire, std::vector<Sent>& connections) {
  for (uint32_t index = 0; index < connections.size(); index++) {
    Sent& sent = connections[index];
    wire.send(index, true, syn, sent, "");
    sent.client++;
    wire.send(index, false, syn | ack, sent, "");
    sent.server++;
    wire.send(index, true, ack, sent, "");
  }
}

void exchange(Wire& wire, uint32_t index, Sent& sent) {
  wire.send(index, true, push | ack, sent, request);
  sent.client += static_cast<uint32_t>(request.size());
  wire.send(index, false, push | ack, sent, response);
  sent.server += static_cast<uint32_t>(response.size());
  wire.send(index, true, ack, sent, "");
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const auto count = static_cast<uint32_t>(std::atol(arguments.value("--connections", "1000").c_str()));
  const long exchanges = std::atol(arguments.value("--exchanges", "1000000").c_str());
  if (count == 0 || exchanges < 0) {
    std::fprintf(stderr, "usage: bench_connections --connections N [--exchanges N]\n");
    return 2;
  }
  flowtap::PipelineOptions options;
  options.ports = {serverPort};
  Wire wire(options);
  std::vector<Sent> connections(count);
  const uint64_t residentBefore = bench::statusKiB("VmRSS");
  openAll(wire, connections);
  wire.flush();
  const double openNs = wire.takeCost();
  // Once through all of them: what is kept for a connection that has spoken.
  for (uint32_t index = 0; index < count; index++) exchange(wire, index, connections[index]);
  wire.flush();
  wire.takeCost();
  const uint64_t residentOpen = bench::statusKiB("VmRSS");

  uint64_t random = 88172645463325252U;
  for (long turn = 0; turn < exchanges; turn++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    const auto index = static_cast<uint32_t>(random % count);
    exchange(wire, index, connections[index]);
  }
  wire.flush();
  const double exchangeNs = wire.takeCost();
  const uint64_t open = wire.stats().tcp_connectionsOpened - wire.stats().tcp_connectionsClosed;
  wire.finish();

  const flowtap::Stats& stats = wire.stats();
  bench::JsonLine line;
  line.number("connections", open);
  line.number("packets", stats.packets_received);
  line.number("requests", stats.http_requests);
  line.number("responses", stats.http_responses);
  line.number("delivered", stats.delivery_messagesDelivered);
  line.number("missingBytes", stats.tcp_missingBytes);
  line.number("openNsPerPacket", openNs);
  line.number("exchangeNsPerPacket", exchangeNs);
  line.number("bytesPerConnection", static_cast<double>(residentOpen - residentBefore) * 1024 / count);
  line.print();
  return 0;
}
