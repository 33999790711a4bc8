// The native pipeline alone, as far as one likes.
//   bench_pipeline FILE [--stage read|decode|tcp|pipeline] [--port N] [--no-body] [--match HEX] [--write] [--digest]
// --match delivers only messages for which a program holds, in hexadecimal (lib/match/program-layout.ts).
// --write also writes each batch into one buffer, as happens when it crosses to JavaScript. --digest sums up what the
// messages say, for comparison with the truth of a workload; it is no part of the pipeline, so its times mean nothing.
#include "pipeline.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "digest.h"
#include "measure.h"
#include "source/sources.h"
#include "stages.h"

namespace {

/// The pipeline into a mailbox, and its consumer on the same thread.
class Consumer final : public flowtap::source::PacketSink {
 public:
  Consumer(const flowtap::PipelineOptions& options, bool write, bool digest)
      : mailbox_(64u << 20), pipeline_(options, mailbox_, [] {}), write_(write), digest_(digest) {}

  void packets(const flowtap::source::Packet* burst, size_t count) override { pipeline_.packets(burst, count); }
  /// What the session does between two reads of a file, with a consumer that keeps up.
  void pause() {
    pipeline_.pause(pipeline_.packetTimeNs());
    drain();
  }
  void finish() {
    pipeline_.finish();
    drain();
  }
  void report(bench::JsonLine& line) const {
    totals_.report(line);
    line.number("batches", batches_);
    for (size_t index = 0; index < flowtap::counterCount; index++) {
      const flowtap::CounterName& name = flowtap::counterNames[index];
      const auto* values = reinterpret_cast<const uint64_t*>(&pipeline_.stats());
      line.number((std::string(name.group) + "." + name.name).c_str(), values[index]);
    }
  }

 private:
  void drain() {
    while (auto batch = mailbox_.take()) {
      batches_++;
      totals_.add(*batch, digest_);
      if (write_) {
        buffer_.resize(batch->bufferSize());
        batch->write(buffer_.data());
      }
      mailbox_.recycle(std::move(batch));
    }
  }

  flowtap::delivery::Mailbox mailbox_;
  flowtap::Pipeline pipeline_;
  const bool write_;
  const bool digest_;
  std::vector<uint8_t> buffer_;
  bench::Totals totals_;
  uint64_t batches_ = 0;
};

std::vector<uint8_t> fromHex(const std::string& digits) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

bool runPipeline(flowtap::source::PacketSource& source, const bench::Arguments& arguments, bench::JsonLine& line) {
  flowtap::PipelineOptions options;
  if (arguments.has("--no-body")) options.http.body = flowtap::http::BodyMode::none;
  const std::string match = arguments.value("--match", "");
  if (!match.empty()) {
    const std::vector<uint8_t> bytes = fromHex(match);
    options.http.selection.program = flowtap::http::readMatchProgram(bytes.data(), bytes.size());
    if (options.http.selection.program == nullptr) return false;
  }
  const std::string port = arguments.value("--port", "");
  if (!port.empty()) options.ports = {static_cast<uint16_t>(std::atoi(port.c_str()))};
  Consumer consumer(options, arguments.has("--write"), arguments.has("--digest"));
  if (!bench::drain(source, consumer, [&consumer] { consumer.pause(); })) return false;
  consumer.finish();
  consumer.report(line);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments(argc, argv);
  const std::string stage = arguments.value("--stage", "pipeline");
  const std::string path = arguments.positional();
  if (path.empty() || (stage != "read" && stage != "decode" && stage != "tcp" && stage != "pipeline")) {
    std::fprintf(stderr,
                 "usage: bench_pipeline FILE [--stage read|decode|tcp|pipeline] [--port N] [--no-body] [--match HEX] "
                 "[--write] [--digest]\n");
    return 2;
  }
  const auto source = flowtap::source::makeFileSource({path, ""});
  bench::JsonLine line;
  line.text("stage", stage);
  const double before = bench::cpuSeconds();
  if (!source->open()) {
    std::fprintf(stderr, "%s: %s\n", source->error().code.c_str(), source->error().message.c_str());
    return 1;
  }
  const bool done = stage == "read"     ? bench::readOnly(*source, line)
                    : stage == "decode" ? bench::readAndDecode(*source, line)
                    : stage == "tcp"    ? bench::readDecodeAndReassemble(*source, line)
                                        : runPipeline(*source, arguments, line);
  if (!done) return 1;
  line.number("cpuSeconds", bench::cpuSeconds() - before);
  line.number("peakKiB", bench::peakKiB());
  line.print();
  return 0;
}
