#include "delivery/batch.h"

#include <cstring>

namespace flowtap::delivery {

void Batch::write(uint8_t* into) const {
  BatchHeader header{};
  header.recordCount = static_cast<uint32_t>(records.size());
  header.recordsOffset = static_cast<uint32_t>(recordsOffset());
  header.bodyCount = static_cast<uint32_t>(bodies.size());
  header.continuationCount = static_cast<uint32_t>(continuations.size());
  header.continuationsOffset = static_cast<uint32_t>(continuationsOffset());
  std::memcpy(into, arena.data(), arena.size());
  std::memcpy(into, &header, sizeof header);
  std::memset(into + arena.size(), 0, recordsOffset() - arena.size());
  if (!records.empty()) std::memcpy(into + recordsOffset(), records.data(), records.byteLength());
  if (!continuations.empty())
    std::memcpy(into + continuationsOffset(), continuations.data(), continuations.byteLength());
}

}  // namespace flowtap::delivery
