#include "addon/options.h"

#include <cassert>
#include <optional>
#include <string>
#include <vector>

#include "decode/address_text.h"

namespace flowtap::addon {

namespace {

std::string text(const Napi::Object& options, const char* name) { return options.Get(name).ToString().Utf8Value(); }
bool flag(const Napi::Object& options, const char* name) { return options.Get(name).ToBoolean().Value(); }
int64_t number(const Napi::Object& options, const char* name) { return options.Get(name).ToNumber().Int64Value(); }

http::BodyMode bodyMode(const std::string& name) {
  if (name == "none") return http::BodyMode::none;
  return name == "stream" ? http::BodyMode::stream : http::BodyMode::buffer;
}

/// What buffers may take as they are allocated, so that all memory stays within `bytes`: a heap of buffers that grow
/// and go is up to a quarter larger than they are (benchmarks/memory.ts).
uint64_t withoutAllocatorLoss(int64_t bytes) { return static_cast<uint64_t>(bytes) / 5 * 4; }

source::Selection readSelection(const Napi::Object& options) {
  source::Selection selection;
  const auto ports = options.Get("ports").As<Napi::Array>();
  for (uint32_t i = 0; i < ports.Length(); i++)
    selection.ports.push_back(static_cast<uint16_t>(ports.Get(i).ToNumber().Uint32Value()));
  const auto addresses = options.Get("addresses").As<Napi::Array>();
  for (uint32_t i = 0; i < addresses.Length(); i++) selection.addresses.push_back(addresses.Get(i).ToString());
  return selection;
}

/// Of a program that comes from lib/match/program.ts.
http::SelectionOptions readMatch(const Napi::Object& options, const char* scope) {
  http::SelectionOptions selection;
  const Napi::Value match = options.Get("match");
  if (!match.IsObject()) return selection;
  const auto plan = match.As<Napi::Object>().Get(scope).As<Napi::Object>();
  if (const Napi::Value program = plan.Get("program"); program.IsTypedArray()) {
    const auto bytes = program.As<Napi::Uint8Array>();
    selection.program = http::readMatchProgram(bytes.Data(), bytes.ByteLength());
    assert(selection.program != nullptr);
  }
  selection.exchanges = flag(plan, "exchanges");
  selection.interims = flag(plan, "interims");
  selection.together = flag(plan, "together");
  selection.responses = flag(plan, "responses");
  selection.maxBodyBytes = static_cast<uint64_t>(number(plan, "maxBodyBytes"));
  selection.maxUndecidedBytes = static_cast<uint64_t>(number(options, "maxUndecidedBytes"));
  return selection;
}

std::optional<recording::RecordingOptions> readRecording(const Napi::Object& options) {
  const Napi::Value write = options.Get("write");
  if (!write.IsObject()) return std::nullopt;
  const auto given = write.As<Napi::Object>();
  recording::RecordingOptions recording;
  recording.output.path = text(given, "file");
  recording.output.replace = flag(given, "replace");
  recording.output.interface = text(options, "interface");
  if (text(options, "source") == "live") recording.output.snaplen = static_cast<uint32_t>(number(options, "snaplen"));
  recording.spoolDirectory = text(given, "spoolDirectory");
  recording.maxSpoolBytes = static_cast<uint64_t>(number(given, "maxSpoolBytes"));
  return recording;
}

}  // namespace

std::shared_ptr<const decode::EndpointSet> readEndpoints(const Napi::Value& value) {
  if (!value.IsTypedArray()) return nullptr;
  const auto bytes = value.As<Napi::Uint8Array>();
  return decode::readEndpoints(bytes.Data(), bytes.ByteLength());
}

Opening readOptions(const Napi::Object& options) {
  Opening opening;
  const source::Selection selection = readSelection(options);
  const std::string kind = text(options, "source");

  opening.session.live = kind == "live";
  opening.session.lowLatency = kind != "file";
  opening.session.maxQueuedBytes = static_cast<size_t>(number(options, "maxQueuedBytes"));

  PipelineOptions& pipeline = opening.session.pipeline;
  pipeline.mode = text(options, "mode") == "flows" ? PipelineMode::flows : PipelineMode::messages;
  pipeline.whenFull = opening.session.live ? delivery::WhenFull::drop : delivery::WhenFull::wait;
  pipeline.decode.verifyChecksums = flag(options, "verifyChecksums");
  pipeline.ports = selection.ports;
  pipeline.followed = readEndpoints(options.Get("endpoints"));
  for (const std::string& written : selection.addresses)
    if (const auto address = decode::parseAddress(written)) pipeline.addresses.push_back(*address);
  pipeline.tcp.maxConnections = static_cast<uint32_t>(number(options, "maxConnections"));
  pipeline.tcp.maxBufferedBytes = withoutAllocatorLoss(number(options, "maxBufferedBytes"));
  pipeline.tcp.maxBufferedBytesPerDirection = static_cast<uint64_t>(number(options, "maxBufferedBytesPerDirection"));
  pipeline.tcp.idleTimeoutNs = number(options, "idleTimeoutMs") * 1'000'000;
  pipeline.http.body = bodyMode(text(options, "body"));
  pipeline.http.maxBodyBytes = static_cast<uint64_t>(number(options, "maxBodyBytes"));
  pipeline.http.parser.tellsFraming = flag(options, "keepFraming");
  pipeline.http.parser.maxPendingBytes = pipeline.tcp.maxBufferedBytes;
  pipeline.http.parser.maxHeadBytes = static_cast<size_t>(number(options, "maxHeadBytes"));
  pipeline.http.parser.maxFields = static_cast<size_t>(number(options, "maxHeaders"));

  pipeline.http.selection = readMatch(options, "message");
  opening.session.exchanges = readMatch(options, "exchange");
  opening.session.waitsForBegin = options.Get("match").IsObject() && text(options, "matchScope") != "exchange";
  if (text(options, "matchScope") == "exchange") pipeline.http.selection = opening.session.exchanges;
  pipeline.recording = readRecording(options);
  // Files are made when somebody iterates: until then a process may have given up its privileges.
  if (pipeline.recording) opening.session.waitsForBegin = true;

  const std::string filter = text(options, "filter");
  if (opening.session.live) {
    source::LiveOptions live;
    live.interface = text(options, "interface");
    live.networkNamespace = text(options, "netns");
    live.filter = filter;
    live.selection = selection;
    live.snaplen = static_cast<uint32_t>(number(options, "snaplen"));
    live.promiscuous = flag(options, "promiscuous");
    live.bufferBytes = static_cast<uint32_t>(number(options, "bufferBytes"));
    live.immediate = flag(options, "immediate");
    live.pollTimeoutMs = static_cast<int>(number(options, "pollTimeoutMs"));
    opening.session.deliveryDelayMs = live.immediate ? 1 : live.pollTimeoutMs;
    opening.source = source::makeLiveSource(live);
  } else if (kind == "file") {
    opening.source = source::makeFileSource({text(options, "file"), filter});
  } else {
    opening.queue = std::make_shared<source::ByteQueue>();
    opening.source = source::makeStreamSource({opening.queue, filter});
  }
  return opening;
}

}  // namespace flowtap::addon
