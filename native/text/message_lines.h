// Messages as NDJSON: what `message.toJSON()` gives, a line each. lib/json.ts says what the members mean.
#pragma once

#include "delivery/batch_reader.h"
#include "text/connection_text.h"
#include "text/pen.h"
#include "text/text_buffer.h"

namespace flowtap::text {

class MessageLines {
 public:
  /// False, and nothing appended, when it does not know how to write the message: its content is encoded, a field is
  /// folded, or it is not over.
  bool append(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record);

 private:
  bool appendMessage(TextBuffer& out, const delivery::BatchReader& batch, const delivery::Record& record);
  void writeOrigin(Pen& pen, const delivery::Connection& connection, const delivery::Record& record);

  TimeWriter times_;
  ConnectionTexts connections_{writeConnectionJson};
};

}  // namespace flowtap::text
