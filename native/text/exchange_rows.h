// What a summary of exchanges needs of each, in one run of bytes: a row of numbers and the words behind it.
// lib/export/exchange-rows.ts reads it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "delivery/batch_reader.h"
#include "text/text_buffer.h"

namespace flowtap::text {

/// 8-byte aligned as long as the buffer is; the words follow, filled up to a multiple of 8 bytes.
struct ExchangeRow {
  int64_t startNs;       ///< of the request; of the response where that was not seen
  double waitNs;         ///< from the end of the request to the beginning of the response; NaN without one of them
  double totalNs;        ///< from the beginning of the request to the end of the response
  double requestBytes;   ///< head and body
  double responseBytes;  ///< the same
  uint16_t status;       ///< 0: no response
  uint16_t hasRequest;
  // Lengths of the words: method, target and Host of the request, and the server's address and port.
  uint32_t methodLength;
  uint32_t targetLength;
  uint32_t hostLength;
  uint32_t serverLength;
  uint32_t reserved;
};
static_assert(sizeof(ExchangeRow) == 64);

class ExchangeRows {
 public:
  /// A message of a batch, in order. False when its record is wrong.
  bool append(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record);
  /// Behind all of them: the requests of which it tells that no response will come.
  void appendUnanswered(TextBuffer& out, const delivery::BatchReader& batch);

  /// Rows so far.
  uint32_t count() const { return count_; }
  void resetCount() { count_ = 0; }

 private:
  struct Request {
    int64_t startNs;
    int64_t endNs;
    double bytes;
    uint32_t lengths[4];  ///< of the words
    std::string words;
  };
  bool readRequest(const delivery::BatchReader& batch, const delivery::Record& record, Request& into) const;
  bool wait(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record);
  bool answer(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record);
  void write(TextBuffer& out, ExchangeRow row, const Request& request);
  void forget(TextBuffer& out, uint64_t id);

  std::map<uint64_t, Request> waiting_;  ///< by id: the oldest comes first
  size_t waitingBytes_ = 0;
  uint32_t count_ = 0;
};

}  // namespace flowtap::text
