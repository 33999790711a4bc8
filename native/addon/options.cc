#include "addon/options.h"

#include <algorithm>
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

std::vector<std::string> texts(const Napi::Object& options, const char* name) {
  std::vector<std::string> result;
  const auto array = options.Get(name).As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) result.push_back(array.Get(i).ToString());
  return result;
}

/// What buffers may take as they are allocated, so that all memory stays within `bytes`: a heap of buffers that grow
/// and go is up to a quarter larger than they are (benchmarks/memory.ts).
uint64_t withoutAllocatorLoss(int64_t bytes) { return static_cast<uint64_t>(bytes) / 5 * 4; }

source::Selection readSelection(const Napi::Object& options) {
  source::Selection selection;
  const auto ports = options.Get("ports").As<Napi::Array>();
  for (uint32_t i = 0; i < ports.Length(); i++)
    selection.ports.push_back(static_cast<uint16_t>(ports.Get(i).ToNumber().Uint32Value()));
  selection.addresses = texts(options, "addresses");
  return selection;
}

/// Of a program that comes from lib/match/program.ts.
http::SelectionOptions readMatch(const Napi::Object& options, const char* scope, uint64_t maxUndecidedBytes) {
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
  selection.maxUndecidedBytes = maxUndecidedBytes;
  return selection;
}

recording::OutputRotation readRotation(const Napi::Object& given) {
  recording::OutputRotation rotation;
  rotation.stem = text(given, "stem");
  rotation.ending = text(given, "ending");
  rotation.firstNumber = static_cast<uint64_t>(number(given, "firstNumber"));
  rotation.bytes = static_cast<uint64_t>(number(given, "bytes"));
  rotation.ns = number(given, "ns");
  return rotation;
}

std::optional<recording::RecordingOptions> readRecording(const Napi::Object& options) {
  const Napi::Value write = options.Get("write");
  if (!write.IsObject()) return std::nullopt;
  const auto given = write.As<Napi::Object>();
  recording::RecordingOptions recording;
  recording.output.path = text(given, "file");
  recording.output.replace = flag(given, "replace");
  if (const Napi::Value rotation = given.Get("rotation"); rotation.IsObject())
    recording.output.rotation = readRotation(rotation.As<Napi::Object>());
  const std::vector<std::string> interfaces = texts(options, "interfaces");
  if (!interfaces.empty()) recording.output.interface = interfaces.front();
  if (text(options, "source") == "live") recording.output.snaplen = static_cast<uint32_t>(number(options, "snaplen"));
  recording.spoolDirectory = text(given, "spoolDirectory");
  recording.maxSpoolBytes = static_cast<uint64_t>(number(given, "maxSpoolBytes"));
  return recording;
}

/// So much of a bound of the tap that each of its sessions may take.
int64_t partOf(const Napi::Object& options, const char* name, uint32_t sessions, int64_t least) {
  return std::max(number(options, name) / sessions, least);
}

session::SessionOptions readSession(const Napi::Object& options, uint32_t sessions) {
  session::SessionOptions session;
  const source::Selection selection = readSelection(options);
  const std::string kind = text(options, "source");
  session.live = kind == "live";
  session.lowLatency = kind != "file";
  session.deliveryDelayMs = flag(options, "immediate") ? 1 : static_cast<int>(number(options, "pollTimeoutMs"));
  session.maxQueuedBytes = static_cast<size_t>(partOf(options, "maxQueuedBytes", sessions, 1));

  PipelineOptions& pipeline = session.pipeline;
  pipeline.mode = text(options, "mode") == "flows" ? PipelineMode::flows : PipelineMode::messages;
  pipeline.whenFull = session.live ? delivery::WhenFull::drop : delivery::WhenFull::wait;
  pipeline.decode.verifyChecksums = flag(options, "verifyChecksums");
  pipeline.ports = selection.ports;
  pipeline.followed = readEndpoints(options.Get("endpoints"));
  for (const std::string& written : selection.addresses)
    if (const auto address = decode::parseAddress(written)) pipeline.addresses.push_back(*address);
  pipeline.tcp.maxConnections = static_cast<uint32_t>(partOf(options, "maxConnections", sessions, 1));
  pipeline.tcp.maxBufferedBytes = withoutAllocatorLoss(partOf(options, "maxBufferedBytes", sessions, 4096));
  pipeline.tcp.maxBufferedBytesPerDirection = static_cast<uint64_t>(number(options, "maxBufferedBytesPerDirection"));
  pipeline.tcp.idleTimeoutNs = number(options, "idleTimeoutMs") * 1'000'000;
  pipeline.http.body = bodyMode(text(options, "body"));
  pipeline.http.maxBodyBytes = static_cast<uint64_t>(number(options, "maxBodyBytes"));
  pipeline.http.parser.tellsFraming = flag(options, "keepFraming");
  pipeline.http.parser.maxPendingBytes = pipeline.tcp.maxBufferedBytes;
  pipeline.http.parser.maxHeadBytes = static_cast<size_t>(number(options, "maxHeadBytes"));
  pipeline.http.parser.maxFields = static_cast<size_t>(number(options, "maxHeaders"));

  const auto maxUndecidedBytes = static_cast<uint64_t>(partOf(options, "maxUndecidedBytes", sessions, 4096));
  pipeline.http.selection = readMatch(options, "message", maxUndecidedBytes);
  session.exchanges = readMatch(options, "exchange", maxUndecidedBytes);
  session.waitsForBegin = options.Get("match").IsObject() && text(options, "matchScope") != "exchange";
  if (text(options, "matchScope") == "exchange") pipeline.http.selection = session.exchanges;
  pipeline.recording = readRecording(options);
  // Files are made when somebody iterates: until then a process may have given up its privileges.
  if (pipeline.recording) session.waitsForBegin = true;
  return session;
}

/// All but which interface, and what of it.
source::LiveOptions readLive(const Napi::Object& options, uint32_t sessions) {
  constexpr int64_t leastBufferBytes = 64 * 1024;
  source::LiveOptions live;
  live.networkNamespace = text(options, "netns");
  live.filter = text(options, "filter");
  live.selection = readSelection(options);
  live.snaplen = static_cast<uint32_t>(number(options, "snaplen"));
  live.promiscuous = flag(options, "promiscuous");
  live.bufferBytes = static_cast<uint32_t>(partOf(options, "bufferBytes", sessions, leastBufferBytes));
  live.immediate = flag(options, "immediate");
  live.pollTimeoutMs = static_cast<int>(number(options, "pollTimeoutMs"));
  return live;
}

}  // namespace

std::shared_ptr<const decode::EndpointSet> readEndpoints(const Napi::Value& value) {
  if (!value.IsTypedArray()) return nullptr;
  const auto bytes = value.As<Napi::Uint8Array>();
  return decode::readEndpoints(bytes.Data(), bytes.ByteLength());
}

Opening readOptions(const Napi::Object& options) {
  Opening opening;
  const std::string kind = text(options, "source");
  const std::vector<std::string> interfaces = texts(options, "interfaces");
  const auto workers = static_cast<uint32_t>(number(options, "workers"));
  const size_t sources = kind == "live" ? interfaces.size() : 1;
  const auto sessions = static_cast<uint32_t>(sources * workers);
  const session::SessionOptions session = readSession(options, sessions);

  const std::string filter = text(options, "filter");
  for (uint32_t i = 0; i < sessions; i++) {
    opening.members.push_back({session, nullptr});
    session::SessionGroup::Member& member = opening.members.back();
    PipelineOptions& pipeline = member.options.pipeline;
    pipeline.share = {i % workers, workers};
    pipeline.numbering = {i, sessions};
    if (kind == "live") {
      source::LiveOptions live = readLive(options, sessions);
      live.interface = interfaces[i / workers];
      live.share = pipeline.share;
      member.source = source::makeLiveSource(live);
    } else if (kind == "file") {
      member.source = source::makeFileSource({text(options, "file"), filter});
    } else {
      opening.queue = std::make_shared<source::ByteQueue>();
      member.source = source::makeStreamSource({opening.queue, filter});
    }
  }
  return opening;
}

}  // namespace flowtap::addon
