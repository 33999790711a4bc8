#include "source/packet_filter.h"

#include <utility>

#include "source/link_type.h"

namespace flowtap::source {

namespace {

// More link types than any honest file has; the rest of them match nothing.
constexpr size_t maxPrograms = 64;

}  // namespace

const PacketFilter::Entry& PacketFilter::add(uint32_t linkType, std::string& words) {
  BpfProgram program;
  const bool compiled = program.compile(expression_, linkType, words);
  entries_.push_back({linkType, std::nullopt});
  if (compiled) entries_.back().program = std::move(program);
  return entries_.back();
}

Error PacketFilter::prepare(uint32_t linkType) {
  std::string words;
  if (empty() || add(linkType, words).program.has_value()) return {};
  return {"ERR_FILTER", "bad filter \"" + expression_ + "\" for link type " + linkTypeName(linkType) + ": " + words};
}

const BpfProgram* PacketFilter::programFor(uint32_t linkType) {
  for (const Entry& entry : entries_) {
    if (entry.linkType == linkType) return entry.program ? &*entry.program : nullptr;
  }
  if (entries_.size() == maxPrograms) return nullptr;
  std::string words;
  const Entry& entry = add(linkType, words);
  return entry.program ? &*entry.program : nullptr;
}

size_t PacketFilter::keepMatching(Packet* packets, size_t count) {
  if (empty()) return count;
  size_t kept = 0;
  uint32_t linkType = packets[0].linkType;
  const BpfProgram* program = programFor(linkType);
  for (size_t i = 0; i < count; i++) {
    if (packets[i].linkType != linkType) {
      linkType = packets[i].linkType;
      program = programFor(linkType);
    }
    if (program != nullptr && program->matches(packets[i])) packets[kept++] = packets[i];
  }
  return kept;
}

}  // namespace flowtap::source
