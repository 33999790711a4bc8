// What benchmarks/workloads/truth.ts says about messages, computed from batches: the two must agree.
#pragma once

#include <cstdint>

#include "delivery/batch.h"
#include "measure.h"

namespace bench {

/// Totals of the complete messages.
class Totals {
 public:
  /// `digest` costs more than the pipeline itself: without it the sum stays 0.
  void add(const flowtap::delivery::Batch& batch, bool digest);
  void report(JsonLine& line) const;

 private:
  uint64_t messages_ = 0;  ///< complete or not
  uint64_t requests_ = 0;
  uint64_t responses_ = 0;
  uint64_t bodyBytes_ = 0;
  uint64_t keptBodyBytes_ = 0;
  uint64_t headBytes_ = 0;
  uint64_t headerFields_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace bench
