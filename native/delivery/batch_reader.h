// Reads the records of a finished batch, in this process or as it crossed. Whoever hands it over may have changed it:
// every offset is looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "delivery/batch.h"
#include "delivery/record.h"

namespace flowtap::delivery {

struct Bytes {
  const uint8_t* data = nullptr;
  size_t length = 0;

  const uint8_t* end() const { return data + length; }
};

/// Where name and value of a field lie in its section.
struct FieldSpan {
  uint32_t nameStart;
  uint32_t nameEnd;
  uint32_t valueStart;
  uint32_t valueEnd;
};

/// A head or a trailer section with the table of its fields.
class Section {
 public:
  Bytes bytes;
  uint32_t count = 0;

  /// False when it does not lie in the section. Here, because it is called a field.
  bool field(uint32_t index, FieldSpan& span) const {
    if (wide_) {
      std::memcpy(&span, table_.data + size_t{index} * sizeof span, sizeof span);
    } else {
      uint16_t narrow[4];
      std::memcpy(narrow, table_.data + size_t{index} * sizeof narrow, sizeof narrow);
      span = {narrow[0], narrow[1], narrow[2], narrow[3]};
    }
    return span.nameStart <= span.nameEnd && span.valueStart <= span.valueEnd && span.nameEnd <= bytes.length &&
           span.valueEnd <= bytes.length;
  }

 private:
  friend class BatchReader;
  Bytes table_;
  bool wide_ = false;
};

class BatchReader {
 public:
  /// As it crossed. `bodies` are the separate ones.
  BatchReader(Bytes buffer, std::vector<Bytes> bodies);
  /// One that did not cross. It must outlive the reader.
  explicit BatchReader(const Batch& batch);

  uint32_t recordCount() const { return recordCount_; }
  uint32_t continuationCount() const { return continuationCount_; }
  Record record(uint32_t index) const;
  Continuation continuation(uint32_t index) const;

  // False when what the record says is not there.
  bool head(const Record& record, Section& into) const;
  bool trailers(const Record& record, Section& into) const;
  bool connection(const Record& record, Connection& into) const;
  /// What was kept of it.
  bool body(const Record& record, Bytes& into) const;

  /// May be read, whatever lies there.
  const uint8_t* end() const { return buffer_.end(); }

 private:
  bool slice(uint64_t offset, uint64_t length, Bytes& into) const;
  bool section(const Record& record, uint32_t tableOffset, uint32_t count, Section& into) const;

  Bytes buffer_;
  std::vector<Bytes> bodies_;
  const uint8_t* records_ = nullptr;
  const uint8_t* continuations_ = nullptr;
  uint32_t recordCount_ = 0;
  uint32_t continuationCount_ = 0;
};

}  // namespace flowtap::delivery
