#include "source/wake_event.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace flowtap::source {

WakeEvent::WakeEvent() {
#ifdef __linux__
  readDescriptor_ = writeDescriptor_ = eventfd(0, EFD_CLOEXEC);
#else
  int ends[2];
  if (pipe(ends) != 0) return;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  readDescriptor_ = ends[0];
  writeDescriptor_ = ends[1];
#endif
}

WakeEvent::~WakeEvent() {
  if (writeDescriptor_ >= 0 && writeDescriptor_ != readDescriptor_) close(writeDescriptor_);
  if (readDescriptor_ >= 0) close(readDescriptor_);
}

void WakeEvent::raise() {
  // Only the first of several writes, so that neither a pipe nor a counter can fill up.
  if (raised_.exchange(true)) return;
  const uint64_t one = 1;
  while (writeDescriptor_ >= 0 && write(writeDescriptor_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool WakeEvent::take() {
  if (!raised_.load()) return false;
  // May wait for the moment between the flag and the write of raise(). A raise() between this and the store below joins
  // the one that is being taken.
  uint64_t count;
  while (readDescriptor_ >= 0 && read(readDescriptor_, &count, sizeof count) < 0 && errno == EINTR) {
  }
  raised_.store(false);
  return true;
}

}  // namespace flowtap::source
