#include "decode/decoder.h"

#include <algorithm>

#include "decode/fast_path.h"
#include "decode/fragment_table.h"
#include "decode/layers.h"

namespace flowtap::decode {
namespace {

// Deeper nesting than any network has.
constexpr int maxLayers = 32;
// A hostile file may name any number of them.
constexpr size_t maxUnsupportedLinkTypes = 8;

Step stepLayer(Walk& walk) {
  switch (walk.layer) {
    case Layer::link:
      return stepLink(walk);
    case Layer::ethernet:
      return stepEthernet(walk);
    case Layer::etherType:
      return stepEtherType(walk);
    case Layer::llc:
      return stepLlc(walk);
    case Layer::ppp:
      return stepPpp(walk);
    case Layer::mpls:
      return stepMpls(walk);
    case Layer::radiotap:
      return stepRadiotap(walk);
    case Layer::wlan:
      return stepWlan(walk);
    case Layer::ip:
      return stepIp(walk);
    case Layer::ipv4:
      return stepIpv4(walk);
    case Layer::ipv6:
      return stepIpv6(walk);
    case Layer::ipProtocol:
      return stepIpProtocol(walk);
    case Layer::nsh:
      return stepNsh(walk);
  }
  return Step::unsupported;
}

Step walkLayers(Walk& walk) {
  for (int depth = 0; depth < maxLayers; ++depth) {
    const Step step = stepLayer(walk);
    if (step != Step::next) return step;
  }
  return Step::unsupported;
}

DecodeResult count(Stats& stats, Step step) {
  switch (step) {
    case Step::segment:
      ++stats.packets_decoded;
      return DecodeResult::segment;
    case Step::notTcp:
      ++stats.packets_notTcp;
      return DecodeResult::notTcp;
    case Step::fragment:
      ++stats.packets_notTcp;
      ++stats.packets_fragments;
      return DecodeResult::fragment;
    case Step::malformed:
      ++stats.packets_malformed;
      return DecodeResult::malformed;
    case Step::next:
    case Step::unsupported:
      break;
  }
  ++stats.packets_unsupported;
  return DecodeResult::unsupported;
}

}  // namespace

struct Decoder::Fragments {
  Fragments(const DecodeOptions& options, Stats& stats) : table(options, stats) {}
  FragmentTable table;
};

Decoder::Decoder(const DecodeOptions& options, Stats& stats)
    : options_(options), stats_(stats), fragments_(std::make_unique<Fragments>(options, stats)) {}

Decoder::~Decoder() = default;

DecodeResult Decoder::decode(const source::Packet& packet, Segment& segment) {
  ++stats_.packets_received;
  stats_.packets_bytes += packet.capturedLength;
  segment.timestampNs = packet.timestampNs;
  const bool truncated = packet.wireLength > packet.capturedLength;
  if (!options_.verifyChecksums && decodeFast(packet, segment)) {
    stats_.packets_truncated += truncated;
    ++stats_.packets_decoded;
    return DecodeResult::segment;
  }
  Walk walk(options_, stats_, fragments_->table, segment);
  walk.bytes = Reader(packet.data, packet.capturedLength, truncated ? packet.wireLength - packet.capturedLength : 0);
  walk.type = packet.linkType;
  const Step step = walkLayers(walk);
  stats_.packets_truncated += truncated || walk.cut;
  if (walk.strange) noteUnsupported(walk.type);
  return count(stats_, step);
}

void Decoder::noteUnsupported(uint32_t linkType) {
  for (LinkTypeCount& seen : unsupportedLinkTypes_) {
    if (seen.linkType != linkType) continue;
    seen.packets++;
    return;
  }
  if (unsupportedLinkTypes_.size() < maxUnsupportedLinkTypes) unsupportedLinkTypes_.push_back({linkType, 1});
}

const std::vector<uint64_t>& Decoder::touchedDatagrams() const { return fragments_->table.touched(); }

void Decoder::releaseDatagrams() { fragments_->table.releaseDatagrams(); }

void Decoder::advance(int64_t nowNs) { fragments_->table.advance(nowNs); }

}  // namespace flowtap::decode
