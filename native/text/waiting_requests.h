// When the requests began to which a response may still come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowtap::text {

/// Keyed by the id of the request. Ids ascend, so that two meet in one place only when there are that many messages
/// between them; then there are more places, up to a bound. Beyond it the older one is forgotten.
class WaitingRequests {
 public:
  void add(uint64_t id, int64_t startNs);
  /// False when it is not known.
  bool find(uint64_t id, int64_t& startNs) const;
  /// Nothing more comes to it.
  void remove(uint64_t id);

 private:
  struct Place {
    uint64_t id;  ///< 0: free
    int64_t startNs;
  };
  void grow();

  std::vector<Place> places_;
};

}  // namespace flowtap::text
