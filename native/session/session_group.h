// One capture by several sessions: workers that share what one source gives, and several interfaces. To the consumer
// they are one.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "session/session.h"

namespace flowtap::session {

class SessionGroup final : private Doorbell {
 public:
  struct Member {
    SessionOptions options;
    std::unique_ptr<source::PacketSource> source;
  };

  /// Starts the threads of at least one member. `doorbell` must outlive the group.
  SessionGroup(std::vector<Member> members, Doorbell& doorbell);
  ~SessionGroup() override { close(); }
  SessionGroup(const SessionGroup&) = delete;
  SessionGroup& operator=(const SessionGroup&) = delete;

  /// From each member in turn.
  std::unique_ptr<delivery::Batch> take();
  /// What take() gave last.
  void recycle(std::unique_ptr<delivery::Batch> batch) { sessions_[taken_]->recycle(std::move(batch)); }
  /// As Session::park(), and so what follows.
  bool park();
  /// Opening until all have opened; ended when all have ended. Live, a member that fails stops the others.
  State state();
  void news() { sessions_.front()->news(); }
  void follow(const std::shared_ptr<const decode::EndpointSet>& endpoints);
  void begin(bool exchanges, bool selects);
  /// Of the one member: what several capture is not recorded.
  void decide(const std::vector<uint64_t>& connections, uint64_t upTo) { sessions_.front()->decide(connections, upTo); }
  void stop();
  void close();
  /// The sums. What the workers of one source all see counts once.
  Stats stats();

 private:
  void ring() override;

  Doorbell& doorbell_;
  const bool live_;
  std::vector<bool> countsSource_;  ///< the first of those that share a source
  size_t taken_ = 0;
  std::atomic<bool> parked_{false};
  std::vector<std::unique_ptr<Session>> sessions_;
};

}  // namespace flowtap::session
