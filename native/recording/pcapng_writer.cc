#include "recording/pcapng_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace flowtap::recording {

namespace {

constexpr size_t bufferedBytes = 256 * 1024;

constexpr uint32_t blockSectionHeader = 0x0a0d0d0a;
constexpr uint32_t blockInterface = 1;
constexpr uint32_t blockEnhancedPacket = 6;
constexpr uint32_t byteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t optionApplication = 4;
constexpr uint16_t optionInterfaceName = 2;
constexpr uint16_t optionTimestampResolution = 9;
constexpr uint8_t nanoseconds = 9;
/// Type, and the length at both ends.
constexpr size_t frameBytes = 12;

size_t padded(size_t length) { return (length + 3) & ~size_t{3}; }

/// Numbers are in the byte order of the machine, as the format allows.
class Block {
 public:
  Block(ByteBuffer& buffer, uint32_t type, size_t bodyBytes)
      : total_(static_cast<uint32_t>(frameBytes + bodyBytes)), at_(buffer.extend(total_)) {
    const uint8_t* begin = at_;
    put(type);
    put(total_);
    std::memcpy(const_cast<uint8_t*>(begin) + total_ - sizeof total_, &total_, sizeof total_);
  }
  template <typename Number>
  void put(Number number) {
    std::memcpy(at_, &number, sizeof number);
    at_ += sizeof number;
  }
  void option(uint16_t code, const void* value, size_t length) {
    put(code);
    put(static_cast<uint16_t>(length));
    std::memset(at_, 0, padded(length));
    std::memcpy(at_, value, length);
    at_ += padded(length);
  }
  uint8_t* at() { return at_; }

 private:
  const uint32_t total_;
  uint8_t* at_;
};

constexpr size_t optionHead = 4;

}  // namespace

PcapngWriter::~PcapngWriter() {
  if (file_ >= 0) ::close(file_);
}

bool PcapngWriter::fail(int error) {
  return fail(error == EEXIST ? "it exists, and may not be replaced" : std::generic_category().message(error));
}

bool PcapngWriter::fail(const std::string& reason) {
  error_ = {"ERR_FILE", "cannot write " + path_ + ": " + reason};
  // Up to the last whole block that is known to be there.
  if (file_ >= 0) {
    if (struct stat about;
        fstat(file_, &about) == 0 && S_ISREG(about.st_mode) && ftruncate(file_, static_cast<off_t>(written_)) != 0)
      errno = 0;
    ::close(file_);
  }
  file_ = -1;
  buffer_.reset(0);
  return false;
}

bool PcapngWriter::open() { return makeFile(); }

bool PcapngWriter::makeFile() {
  path_ = options_.path;
  if (options_.rotation) {
    const std::string number = std::to_string(options_.rotation->firstNumber + files_);
    const std::string zeros(number.size() < 4 ? 4 - number.size() : 0, '0');
    path_ = options_.rotation->stem + "-" + zeros + number + options_.rotation->ending;
  }
  // Not blocking, because a pipe that nobody reads would hold up the capture for ever.
  const int how = options_.replace ? O_TRUNC : O_EXCL;
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | how, 0600);
  if (file_ < 0) return fail(errno);
  struct stat about;
  if (fstat(file_, &about) != 0) return fail(errno);
  if (!S_ISREG(about.st_mode) && !S_ISCHR(about.st_mode)) return fail("it is a pipe or something else that is no file");
  // One that was there has the mode it had.
  if (S_ISREG(about.st_mode) && about.st_uid == ::geteuid() && fchmod(file_, 0600) != 0) return fail(errno);
  files_++;
  written_ = 0;
  beginsNs_.reset();
  interfaces_.clear();
  lastInterface_ = ~uint64_t{0};
  writeSection();
  return true;
}

/// Not an empty one: what is larger than a file may be has one for itself.
bool PcapngWriter::isFull(const source::Packet& packet) const {
  if (!options_.rotation || !beginsNs_) return false;
  const auto& [stem, ending, firstNumber, bytes, ns] = *options_.rotation;
  if (bytes != 0 && written_ + buffer_.size() >= bytes) return true;
  // Unsigned: packet times are anything.
  return ns != 0 && packet.timestampNs > *beginsNs_ &&
         static_cast<uint64_t>(packet.timestampNs) - static_cast<uint64_t>(*beginsNs_) >= static_cast<uint64_t>(ns);
}

void PcapngWriter::writeSection() {
  constexpr char application[] = "flowtap";
  constexpr size_t length = sizeof application - 1;
  Block block(buffer_, blockSectionHeader, 16 + optionHead + padded(length) + optionHead);
  block.put(byteOrderMagic);
  block.put(uint16_t{1});
  block.put(uint16_t{0});
  block.put(int64_t{-1});
  block.option(optionApplication, application, length);
  block.put(uint32_t{0});
}

void PcapngWriter::writeInterface(uint32_t linkType) {
  const std::string name = options_.interface.substr(0, 255);
  const size_t named = name.empty() ? 0 : optionHead + padded(name.size());
  Block block(buffer_, blockInterface, 8 + named + optionHead + padded(sizeof nanoseconds) + optionHead);
  block.put(static_cast<uint16_t>(linkType));
  block.put(uint16_t{0});
  block.put(options_.snaplen);
  if (!name.empty()) block.option(optionInterfaceName, name.data(), name.size());
  block.option(optionTimestampResolution, &nanoseconds, sizeof nanoseconds);
  block.put(uint32_t{0});
}

uint32_t PcapngWriter::interfaceOf(const source::Packet& packet) {
  const uint64_t key = uint64_t{packet.interfaceId} << 32 | packet.linkType;
  if (key == lastInterface_) return lastIndex_;
  const auto [found, isNew] = interfaces_.try_emplace(key, static_cast<uint32_t>(interfaces_.size()));
  if (isNew) writeInterface(packet.linkType);
  lastInterface_ = key;
  lastIndex_ = found->second;
  return lastIndex_;
}

uint8_t* PcapngWriter::add(const source::Packet& packet) {
  if (file_ < 0 || (buffer_.size() >= bufferedBytes && !flush())) return nullptr;
  if (isFull(packet) && (!close() || !makeFile())) return nullptr;
  if (!beginsNs_) beginsNs_ = packet.timestampNs;
  const uint32_t interface = interfaceOf(packet);
  const auto time = static_cast<uint64_t>(packet.timestampNs);
  const size_t bytes = padded(packet.capturedLength);
  Block block(buffer_, blockEnhancedPacket, 20 + bytes);
  block.put(interface);
  block.put(static_cast<uint32_t>(time >> 32));
  block.put(static_cast<uint32_t>(time));
  block.put(packet.capturedLength);
  block.put(std::max(packet.wireLength, packet.capturedLength));
  uint8_t* at = block.at();
  std::memset(at + packet.capturedLength, 0, bytes - packet.capturedLength);
  return at;
}

bool PcapngWriter::flush() {
  if (file_ < 0) return false;
  const uint8_t* from = buffer_.data();
  size_t left = buffer_.size();
  while (left != 0) {
    const ssize_t taken = ::write(file_, from, left);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) return fail(taken < 0 ? errno : ENOSPC);
    from += taken;
    left -= static_cast<size_t>(taken);
  }
  written_ += buffer_.size();
  // What a large packet took is not kept.
  buffer_.reset(4 * bufferedBytes);
  return true;
}

bool PcapngWriter::close() {
  if (!flush()) return false;
  const int file = file_;
  file_ = -1;
  // Network file systems tell only here that something was not written.
  if (::close(file) != 0 && errno != EINTR) return fail(errno);
  finishedFiles_++;
  return true;
}

}  // namespace flowtap::recording
