// A queue of bytes that may become large: its newest end in memory, the rest in a file without a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace flowtap::recording {

/// First in, first out. The file is made when it is needed, and its space is used again.
class Spool {
 public:
  static constexpr size_t blockBytes = size_t{1} << 20;
  static constexpr size_t residentBlocks = 8;

  explicit Spool(std::string directory) : directory_(std::move(directory)) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// Bytes that are in it.
  uint64_t size() const { return size_; }
  /// Of them, those that are in memory.
  uint64_t residentBytes() const;

  /// False when the file failed: failure() tells why, and nothing can be relied on but clear().
  bool append(const void* bytes, size_t length);
  /// Copies the first bytes, of which there must be so many.
  bool peek(void* into, size_t length);
  bool take(void* into, size_t length) { return peek(into, length) && skip(length); }
  bool skip(size_t length);
  void clear();

  /// An errno.
  int failure() const { return failure_; }

 private:
  struct Block {
    std::unique_ptr<uint8_t[]> bytes;  ///< null: in the file
    size_t length = 0;
    uint32_t slot = 0;
  };

  std::unique_ptr<uint8_t[]> blank();
  bool openFile();
  bool spill(Block& block);
  bool load(Block& block);
  void freeSlot(uint32_t slot);
  void popFront();
  bool fail(int error);

  const std::string directory_;
  std::deque<Block> blocks_;
  size_t firstResident_ = 0;  ///< from this block on all are in memory
  size_t begin_ = 0;          ///< in the first block
  uint64_t size_ = 0;
  std::unique_ptr<uint8_t[]> spare_;
  std::vector<uint32_t> freeSlots_;
  uint32_t endSlot_ = 0;
  int file_ = -1;
  int failure_ = 0;
};

}  // namespace flowtap::recording
