// Messages as the command shows them to people: a block each, without colours, safe on any terminal. What
// lib/cli/printers/console.ts makes of the same, which says what the parts mean; that writes whatever this does not.
#pragma once

#include <cstdint>

#include "delivery/batch_reader.h"
#include "text/connection_text.h"
#include "text/pen.h"
#include "text/text_buffer.h"

namespace flowtap::text {

/// When the request began that a response answers, where that is known.
struct Asked {
  bool known = false;
  int64_t startNs = 0;
};

class MessageBlocks {
 public:
  /// `selected`: requests may be missing because nobody asked for them.
  explicit MessageBlocks(bool selected) : selected_(selected) {}

  /// False, and nothing appended, when it does not know how to write the message: its content is encoded, or something
  /// in it is not ASCII or a control character.
  bool append(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record, const Asked& asked);

 private:
  bool appendMessage(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record,
                     const Asked& asked);
  bool writeHeading(Pen& pen, const delivery::Connection& connection, const delivery::Record& record,
                    const Asked& asked);

  const bool selected_;
  TimeWriter times_;
  ConnectionTexts ends_{writeEnds};
};

}  // namespace flowtap::text
