#include "recording/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace flowtap::recording {

namespace {

/// All of it, or an errno.
int writeAt(int file, const uint8_t* bytes, size_t length, off_t at) {
  while (length != 0) {
    const ssize_t written = pwrite(file, bytes, length, at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : ENOSPC;
    bytes += written;
    length -= static_cast<size_t>(written);
    at += written;
  }
  return 0;
}

int readAt(int file, uint8_t* into, size_t length, off_t at) {
  while (length != 0) {
    const ssize_t got = pread(file, into, length, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EIO;
    into += got;
    length -= static_cast<size_t>(got);
    at += got;
  }
  return 0;
}

off_t offsetOf(uint32_t slot) { return static_cast<off_t>(slot) * static_cast<off_t>(Spool::blockBytes); }

}  // namespace

Spool::~Spool() {
  if (file_ >= 0) ::close(file_);
}

uint64_t Spool::residentBytes() const {
  uint64_t bytes = 0;
  for (const Block& block : blocks_) bytes += block.bytes != nullptr ? block.length : 0;
  return bytes;
}

bool Spool::fail(int error) {
  failure_ = error;
  return false;
}

std::unique_ptr<uint8_t[]> Spool::blank() {
  if (spare_ != nullptr) return std::move(spare_);
  return std::unique_ptr<uint8_t[]>(new uint8_t[blockBytes]);
}

bool Spool::openFile() {
  if (file_ >= 0) return true;
  std::string path = directory_ + "/.flowtap-XXXXXX";
  // Mode 0600.
  file_ = mkstemp(path.data());
  if (file_ < 0) return fail(errno);
  fcntl(file_, F_SETFD, FD_CLOEXEC);
  unlink(path.c_str());
  return true;
}

bool Spool::spill(Block& block) {
  if (!openFile()) return false;
  uint32_t slot = endSlot_;
  if (freeSlots_.empty()) {
    endSlot_++;
  } else {
    slot = freeSlots_.back();
    freeSlots_.pop_back();
  }
  if (const int error = writeAt(file_, block.bytes.get(), block.length, offsetOf(slot)); error != 0) return fail(error);
  block.slot = slot;
  spare_ = std::move(block.bytes);
  return true;
}

bool Spool::load(Block& block) {
  std::unique_ptr<uint8_t[]> bytes = blank();
  if (const int error = readAt(file_, bytes.get(), block.length, offsetOf(block.slot)); error != 0) return fail(error);
  block.bytes = std::move(bytes);
  freeSlot(block.slot);
  return true;
}

void Spool::freeSlot(uint32_t slot) {
  freeSlots_.push_back(slot);
  if (freeSlots_.size() != endSlot_) return;
  freeSlots_.clear();
  endSlot_ = 0;
  // The space goes back to the file system. Where that fails it is used again.
  if (ftruncate(file_, 0) != 0) return;
}

bool Spool::append(const void* bytes, size_t length) {
  const auto* from = static_cast<const uint8_t*>(bytes);
  while (length != 0) {
    if (blocks_.empty() || blocks_.back().length == blockBytes) {
      if (blocks_.size() - firstResident_ >= residentBlocks && !spill(blocks_[firstResident_++])) return false;
      blocks_.push_back({blank(), 0, 0});
    }
    Block& last = blocks_.back();
    const size_t part = std::min(length, blockBytes - last.length);
    std::memcpy(last.bytes.get() + last.length, from, part);
    last.length += part;
    from += part;
    length -= part;
    size_ += part;
  }
  return true;
}

bool Spool::peek(void* into, size_t length) {
  auto* to = static_cast<uint8_t*>(into);
  size_t begin = begin_;
  for (size_t index = 0; length != 0; index++) {
    Block& block = blocks_[index];
    if (block.bytes == nullptr && !load(block)) return false;
    const size_t part = std::min(length, block.length - begin);
    std::memcpy(to, block.bytes.get() + begin, part);
    to += part;
    length -= part;
    begin = 0;
  }
  return true;
}

bool Spool::skip(size_t length) {
  size_ -= length;
  begin_ += length;
  while (!blocks_.empty() && begin_ >= blocks_.front().length) {
    begin_ -= blocks_.front().length;
    popFront();
  }
  return true;
}

void Spool::popFront() {
  Block& front = blocks_.front();
  if (front.bytes != nullptr) {
    spare_ = std::move(front.bytes);
  } else {
    freeSlot(front.slot);
  }
  blocks_.pop_front();
  if (firstResident_ != 0) firstResident_--;
}

void Spool::clear() {
  blocks_.clear();
  freeSlots_.clear();
  firstResident_ = begin_ = 0;
  size_ = 0;
  endSlot_ = 0;
  spare_.reset();
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

}  // namespace flowtap::recording
