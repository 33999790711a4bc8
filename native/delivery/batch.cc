#include "delivery/batch.h"

#include <cstring>

namespace flowtap::delivery {

void Batch::write(uint8_t* into) const {
  BatchHeader header{};
  header.recordCount = static_cast<uint32_t>(records.size());
  header.recordsOffset = static_cast<uint32_t>(recordsOffset());
  header.bodyCount = static_cast<uint32_t>(bodies.size());
  std::memcpy(into, arena.data(), arena.size());
  std::memcpy(into, &header, sizeof header);
  std::memset(into + arena.size(), 0, recordsOffset() - arena.size());
  if (!records.empty()) std::memcpy(into + recordsOffset(), records.data(), records.byteLength());
}

}  // namespace flowtap::delivery
