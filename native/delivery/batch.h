// A batch under construction, and what of it crosses to the consumer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "byte_buffer.h"
#include "delivery/record.h"
#include "delivery/record_array.h"

namespace flowtap::delivery {

/// Buffer of a batch: BatchHeader, the arena, the records, the continuations. The header is written when the batch is
/// sealed.
struct Batch {
  ByteBuffer arena;     ///< starts with room for the BatchHeader
  RecordArray records;  ///< of messages (Record) or of flows (FlowRecord)
  RecordArray continuations;
  std::vector<ByteBuffer> bodies;
  size_t bodyBytes = 0;

  void clear() {
    arena.clear();
    arena.extend(sizeof(BatchHeader));
    records.clear();
    continuations.clear();
    bodies.clear();
    bodyBytes = 0;
  }
  /// Offset of the records in the finished buffer.
  size_t recordsOffset() const { return (arena.size() + 7) & ~size_t{7}; }
  size_t bufferSize() const { return continuationsOffset() + continuations.byteLength(); }
  size_t continuationsOffset() const { return recordsOffset() + records.byteLength(); }
  bool empty() const { return records.empty() && continuations.empty(); }
  size_t totalBytes() const { return bufferSize() + bodyBytes; }
  /// Writes the finished buffer; `into` has room for bufferSize().
  void write(uint8_t* into) const;
};

}  // namespace flowtap::delivery
