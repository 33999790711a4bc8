#include "text/waiting_requests.h"

namespace flowtap::text {

namespace {

// Powers of two.
constexpr size_t firstPlaces = 1024;
constexpr size_t maxPlaces = size_t{1} << 20;

}  // namespace

void WaitingRequests::add(uint64_t id, int64_t startNs) {
  if (id == 0) return;
  if (places_.empty()) places_.resize(firstPlaces);
  while (places_[id % places_.size()].id != 0 && places_.size() < maxPlaces) grow();
  places_[id % places_.size()] = {id, startNs};
}

bool WaitingRequests::find(uint64_t id, int64_t& startNs) const {
  if (id == 0 || places_.empty()) return false;
  const Place& place = places_[id % places_.size()];
  if (place.id != id) return false;
  startNs = place.startNs;
  return true;
}

void WaitingRequests::remove(uint64_t id) {
  if (id == 0 || places_.empty()) return;
  Place& place = places_[id % places_.size()];
  if (place.id == id) place.id = 0;
}

/// What had a place for itself still has one.
void WaitingRequests::grow() {
  std::vector<Place> more(places_.size() * 2);
  for (const Place& place : places_)
    if (place.id != 0) more[place.id % more.size()] = place;
  places_.swap(more);
}

}  // namespace flowtap::text
