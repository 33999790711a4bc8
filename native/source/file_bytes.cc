// Bytes of a path: a regular file, a FIFO, a character device.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "source/byte_source.h"
#include "source/wake_event.h"

namespace flowtap::source {

namespace {

std::string describeErrno(int number) { return std::system_category().message(number); }

class FileBytes final : public ByteSource {
 public:
  explicit FileBytes(std::string path) : path_(std::move(path)) {}
  ~FileBytes() override {
    if (descriptor_ >= 0) close(descriptor_);
  }

  bool open(Error& error) override {
    if (!wake_.valid()) return fail(error, "cannot be watched: " + describeErrno(EMFILE));
    // Non-blocking, or opening a FIFO would wait for its writer where wake() cannot reach.
    do {
      descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (descriptor_ < 0 && errno == EINTR);
    if (descriptor_ < 0) return fail(error, "cannot be opened: " + describeErrno(errno));
    struct stat status;
    if (fstat(descriptor_, &status) != 0) return fail(error, "cannot be opened: " + describeErrno(errno));
    if (S_ISDIR(status.st_mode)) return fail(error, "is a directory, not a capture file");
    regular_ = S_ISREG(status.st_mode);
#if defined(__APPLE__)
    if (regular_) fcntl(descriptor_, F_RDAHEAD, 1);
#else
    if (regular_) posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    return true;
  }

  bool isComplete() const override { return regular_; }
  std::string name() const override { return "\"" + path_ + "\""; }

  Result read(uint8_t* into, size_t capacity, size_t& length, int timeoutMs, Error& error) override {
    for (;;) {
      if (!regular_) {
        const Result ready = waitForBytes(timeoutMs);
        if (ready != Result::bytes) return ready;
      } else if (wake_.take()) {
        return Result::interrupted;
      }
      const ssize_t got = ::read(descriptor_, into, capacity);
      if (got > 0) {
        length = static_cast<size_t>(got);
        return Result::bytes;
      }
      if (got == 0) return Result::end;
      if (errno == EINTR || errno == EAGAIN) continue;
      fail(error, "cannot be read: " + describeErrno(errno));
      return Result::failed;
    }
  }

  void wake() override { wake_.raise(); }
  bool takeWake() override { return wake_.take(); }

 private:
  Result waitForBytes(int timeoutMs) {
    pollfd descriptors[] = {{wake_.descriptor(), POLLIN, 0}, {descriptor_, POLLIN, 0}};
    int ready;
    do {
      ready = poll(descriptors, 2, std::max(timeoutMs, -1));
    } while (ready < 0 && errno == EINTR);
    if (wake_.take()) return Result::interrupted;
    return ready == 0 ? Result::timeout : Result::bytes;
  }

  bool fail(Error& error, const std::string& what) {
    error = {"ERR_FILE", name() + " " + what};
    return false;
  }

  const std::string path_;
  WakeEvent wake_;
  int descriptor_ = -1;
  bool regular_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> makeFileBytes(std::string path) { return std::make_unique<FileBytes>(std::move(path)); }

}  // namespace flowtap::source
