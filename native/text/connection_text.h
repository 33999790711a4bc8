// Connections and times as text.
#pragma once

#include <cstdint>
#include <memory>

#include "delivery/record.h"
#include "text/pen.h"

namespace flowtap::text {

/// No connection takes more.
inline constexpr size_t maxConnectionText = 512;

/// `{"id":1,"client":{"address":"192.0.2.1","port":47106},"server":{…}}`, with `proxied` when a PROXY header told it.
void writeConnectionJson(Pen& pen, const delivery::Connection& connection);

/// `192.0.2.1:47106 -> 192.0.2.2:80`, `[2001:db8::1]:47106 -> [2001:db8::2]:80`.
void writeEnds(Pen& pen, const delivery::Connection& connection);

/// `192.0.2.2:80`
void writeServer(Pen& pen, const delivery::Connection& connection);

/// Dotted IPv4, or IPv6 as RFC 5952 recommends.
void writeAddress(Pen& pen, const uint8_t address[16], uint8_t ipVersion);

/// Remembers what was written of some connections: each has many messages.
class ConnectionTexts {
 public:
  using Write = void (*)(Pen&, const delivery::Connection&);
  explicit ConnectionTexts(Write writeAnew) : writeAnew_(writeAnew) {}
  void write(Pen& pen, const delivery::Connection& connection);

 private:
  static constexpr size_t count = 128;
  struct Entry {
    uint8_t connection[sizeof(delivery::Connection)];
    uint32_t length;  ///< 0: none
    uint8_t text[maxConnectionText];
  };
  Write writeAnew_;
  std::unique_ptr<Entry[]> entries_;
};

/// ISO 8601 in UTC: `2022-11-12T04:59:00.123456789Z`. Remembers the second: most times share theirs with the one
/// before.
class TimeWriter {
 public:
  /// Nine fractional digits, or six.
  void write(Pen& pen, int64_t ns, unsigned fractionDigits = 9);

 private:
  int64_t second_ = INT64_MIN;
  char text_[20];  ///< up to the decimal point
};

}  // namespace flowtap::text
