#include "session/session_group.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace flowtap::session {

namespace {

/// Each worker of a source counts these for all of them: it decodes every fragment, and has its own view of the device.
constexpr bool isOfSource(std::string_view group, std::string_view name) {
  return group == "decode" || name == "filteredOut" || name == "interfaceDropped";
}

void addTo(Stats& sum, const Stats& stats, bool withSource) {
#define FLOWTAP_ADD(group, name) \
  if (withSource || !isOfSource(#group, #name)) sum.group##_##name += stats.group##_##name;
  FLOWTAP_COUNTERS(FLOWTAP_ADD)
#undef FLOWTAP_ADD
}

void addInterface(source::SourceInfo& info, const std::string& interface) {
  info.interface += (info.interface.empty() ? "" : ", ") + interface;
}

}  // namespace

SessionGroup::SessionGroup(std::vector<Member> members, Doorbell& doorbell)
    : doorbell_(doorbell), live_(members.front().options.live) {
  Doorbell& bell = *this;
  for (Member& member : members) {
    countsSource_.push_back(member.options.pipeline.share.index == 0);
    sessions_.push_back(std::make_unique<Session>(member.options, std::move(member.source), bell));
  }
}

std::unique_ptr<delivery::Batch> SessionGroup::take() {
  for (size_t i = 0; i < sessions_.size(); i++) {
    taken_ = (taken_ + 1) % sessions_.size();
    if (auto batch = sessions_[taken_]->take()) return batch;
  }
  return nullptr;
}

bool SessionGroup::park() {
  parked_.store(true);
  for (const auto& session : sessions_) {
    // Whoever takes the mark back, answers: this, or a ring that came in between.
    if (!session->park()) return !parked_.exchange(false);
  }
  return true;
}

void SessionGroup::ring() {
  // One member is enough; others, or those that were left parked, find the mark gone.
  if (parked_.exchange(false)) doorbell_.ring();
}

State SessionGroup::state() {
  State merged = sessions_.front()->state();
  bool opening = merged.phase == Phase::opening;
  bool ended = merged.phase == Phase::ended;
  for (size_t i = 1; i < sessions_.size(); i++) {
    State state = sessions_[i]->state();
    opening = opening || state.phase == Phase::opening;
    ended = ended && state.phase == Phase::ended;
    merged.hasInfo = merged.hasInfo && state.hasInfo;
    if (!merged.error) merged.error = std::move(state.error);
    if (!countsSource_[i]) continue;
    addInterface(merged.info, state.info.interface);
    for (const decode::LinkTypeCount& told : state.unsupportedLinkTypes) merged.unsupportedLinkTypes.push_back(told);
  }
  if (sessions_.size() == 1) return merged;
  merged.phase = opening ? Phase::opening : ended ? Phase::ended : Phase::capturing;
  // Of a file the others reach the same damage by themselves, and everything before it.
  if (merged.error && !ended && live_) stop();
  return merged;
}

void SessionGroup::follow(const std::shared_ptr<const decode::EndpointSet>& endpoints) {
  for (const auto& session : sessions_) session->follow(endpoints);
}

void SessionGroup::begin(bool exchanges, bool selects) {
  for (const auto& session : sessions_) session->begin(exchanges, selects);
}

void SessionGroup::stop() {
  for (const auto& session : sessions_) session->stop();
}

void SessionGroup::close() {
  // All at once, so that their threads end side by side.
  stop();
  for (const auto& session : sessions_) session->close();
}

Stats SessionGroup::stats() {
  Stats sum;
  for (size_t i = 0; i < sessions_.size(); i++) addTo(sum, sessions_[i]->stats(), countsSource_[i]);
  return sum;
}

}  // namespace flowtap::session
