// The identities of stats.h, which hold between any two bursts.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "stats.h"

namespace flowtap::fuzz {

/// Aborts with the counter in words, so that a finding tells what does not add up.
inline void requireEqual(uint64_t left, uint64_t right, const char* what) {
  if (left == right) return;
  std::fprintf(stderr, "%s: %llu != %llu\n", what, static_cast<unsigned long long>(left),
               static_cast<unsigned long long>(right));
  std::abort();
}

inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

inline void requireMessageAccounts(const Stats& s) {
  requireEqual(s.http_requests + s.http_responses, s.http_messagesStarted, "requests + responses");
  requireEqual(s.http_messagesFinished + s.http_messagesNotSelected + s.delivery_messagesDropped + s.http_messagesOpen,
               s.http_messagesStarted, "messages finished + not selected + dropped + open");
  require(s.http_undecidedDropped <= s.http_requests, "undecided requests dropped <= requests");
  require(s.http_messagesFinished <= s.delivery_messagesDelivered, "messages finished <= delivered");
  require(s.delivery_messagesHeld <= s.http_messagesOpen, "messages held <= open");
  require(s.http_bodyBytesCut <= s.http_bodyBytes, "bodyBytesCut <= bodyBytes");
}

inline void requireAccounts(const Stats& s) {
  requireEqual(s.packets_decoded + s.packets_notTcp + s.packets_malformed + s.packets_unsupported, s.packets_received,
               "packets");
  require(s.packets_fragments <= s.packets_notTcp, "fragments <= notTcp");
  requireEqual(s.tcp_segments + s.tcp_notSelected, s.packets_decoded, "segments");
  requireEqual(
      s.tcp_deliveredBytes + s.tcp_duplicateBytes + s.tcp_conflictingBytes + s.tcp_evictedBytes + s.tcp_bufferedBytes,
      s.tcp_payloadBytes, "payload bytes");
  require(s.tcp_lateBytes <= s.tcp_evictedBytes, "lateBytes <= evictedBytes");
  require(s.tcp_connectionsClosed <= s.tcp_connectionsOpened, "connections closed <= opened");
  require(s.tcp_connectionsExpired + s.tcp_connectionsEvicted <= s.tcp_connectionsClosed,
          "connections expired + evicted <= closed");
  require(s.http_tunnelBytes + s.http_skippedBytes + s.http_bodyBytes <= s.tcp_deliveredBytes,
          "bytes given to HTTP <= bytes delivered");
  requireMessageAccounts(s);
}

/// What must be left when the input is over.
inline void requireNothingOpen(const Stats& s) {
  requireEqual(s.tcp_bufferedBytes, 0, "bufferedBytes at the end");
  requireEqual(s.tcp_connectionsOpened, s.tcp_connectionsClosed, "connections open at the end");
  requireEqual(s.http_messagesOpen, 0, "messages open at the end");
  requireEqual(s.http_pendingBytes, 0, "pendingBytes at the end");
  requireEqual(s.http_undecidedBytes, 0, "undecidedBytes at the end");
  requireEqual(s.delivery_messagesHeld, 0, "messages held at the end");
}

}  // namespace flowtap::fuzz
