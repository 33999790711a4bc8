// Messages of a batch as NDJSON: what `message.toJSON()` gives, a line each. lib/json.ts says what the members mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "byte_buffer.h"
#include "delivery/record.h"
#include "json/connection_text.h"

namespace flowtap::json {

struct Bytes {
  const uint8_t* data;
  size_t length;
};

/// A finished batch, as it crossed to JavaScript.
struct FinishedBatch {
  Bytes buffer;
  std::vector<Bytes> bodies;  ///< the separate ones
};

class MessageLines {
 public:
  explicit MessageLines(const FinishedBatch& batch);

  /// Appends the messages from index `from` up to `to`. Stops at one that it does not know how to write, because its
  /// content is encoded, a field is folded or it is not over; returns the index of the first that was not written.
  uint32_t append(ByteBuffer& out, uint32_t from, uint32_t to);

 private:
  bool appendMessage(ByteBuffer& out, const delivery::Record& record);
  void appendRequestLine(ByteBuffer& out, const delivery::Record& record, const Bytes& head);
  bool appendOrigin(ByteBuffer& out, const delivery::Record& record);
  void appendUrl(ByteBuffer& out, const delivery::Record& record, const Bytes& head);
  bool appendBody(ByteBuffer& out, const delivery::Record& record);
  bool slice(uint64_t offset, uint64_t length, Bytes& into) const;

  const FinishedBatch& batch_;
  TimeWriter times_;
  /// What was written of a connection last.
  ByteBuffer connection_;
  uint32_t connectionOffset_ = 0;
};

}  // namespace flowtap::json
