// Batches as text, a batch at a time, without a step through JavaScript.
#pragma once

#include <cstdint>

#include "delivery/batch_reader.h"
#include "text/exchange_rows.h"
#include "text/message_blocks.h"
#include "text/message_lines.h"
#include "text/text_buffer.h"
#include "text/waiting_requests.h"

namespace flowtap::text {

enum class Form : uint8_t {
  lines,   ///< MessageLines
  blocks,  ///< MessageBlocks
  rows,    ///< ExchangeRows
};

/// Of the messages that were written.
struct Tally {
  uint32_t exchanges = 0;  ///< Form::rows: that became complete
  uint32_t requests = 0;
  uint32_t responses = 0;
  uint32_t incomplete = 0;  ///< not Integrity::complete
  uint32_t cut = 0;         ///< flag::bodyTruncated

  Tally& operator+=(const Tally& more) {
    exchanges += more.exchanges;
    requests += more.requests;
    responses += more.responses;
    incomplete += more.incomplete;
    cut += more.cut;
    return *this;
  }
};

class TextWriter {
 public:
  /// `selected`: see MessageBlocks.
  TextWriter(Form form, bool selected) : form_(form), blocks_(selected) {}

  /// Appends the messages from index `from` up to `to`. Stops at one that it does not know how to write, and returns
  /// the index of the first that was not written; go on behind it. Except with Form::lines it wants to see all messages
  /// in order.
  uint32_t append(TextBuffer& out, const delivery::BatchReader& batch, uint32_t from, uint32_t to);
  /// There is nothing more of this batch.
  void pass(TextBuffer& out, const delivery::BatchReader& batch);

  /// Of what append() did last.
  const Tally& tally() const { return tally_; }
  /// Of the message that append() stopped at.
  const Asked& asked() const { return asked_; }

 private:
  bool appendOne(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record);
  bool appendBlock(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record);
  void count(const delivery::Record& record);

  const Form form_;
  MessageLines lines_;
  MessageBlocks blocks_;
  ExchangeRows rows_;
  WaitingRequests waiting_;
  Tally tally_;
  Asked asked_;
};

}  // namespace flowtap::text
