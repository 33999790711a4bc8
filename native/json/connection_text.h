// Connections and times as JSON shows them.
#pragma once

#include <cstdint>

#include "byte_buffer.h"
#include "delivery/record.h"

namespace flowtap::json {

/// `{"id":1,"client":{"address":"192.0.2.1","port":47106},"server":{…}}`, with `proxied` when a PROXY header told it.
void appendConnection(ByteBuffer& to, const delivery::Connection& connection);

/// Dotted IPv4, or IPv6 as RFC 5952 recommends.
void appendAddress(ByteBuffer& to, const uint8_t address[16], uint8_t ipVersion);

/// ISO 8601 in UTC with nine fractional digits: `2022-11-12T04:59:00.123456789Z`. Remembers the second: most times
/// share theirs with the one before.
class TimeWriter {
 public:
  void append(ByteBuffer& to, int64_t ns);

 private:
  int64_t second_ = INT64_MIN;
  char text_[20];  ///< up to the decimal point
};

}  // namespace flowtap::json
