#include "source/network_namespace.h"

#ifdef __linux__
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace flowtap::source {

#ifdef __linux__

namespace {

Error describeNamespaceError(int error, const std::string& path) {
  const std::string words = std::string(" (") + std::strerror(error) + ")";
  switch (error) {
    case EPERM:
    case EACCES:
      // Shown as ERR_PERMISSION too, but it takes other permissions than capturing.
      return {"ERR_NAMESPACE_PERMISSION", "entering the network namespace " + path + " is not permitted" + words};
    case ENOENT:
    case ESRCH:
      return {"ERR_NO_NAMESPACE",
              "there is no network namespace " + path + words +
                  ". A process's is /proc/PID/ns/net, one made by `ip netns add` is /run/netns/NAME"};
    case EINVAL:
      return {"ERR_NO_NAMESPACE", path + " is no network namespace" + words};
    default:
      return {"ERR_CAPTURE", "cannot enter the network namespace " + path + words};
  }
}

bool isOwn(int descriptor) {
  struct stat own = {};
  struct stat other = {};
  return stat("/proc/thread-self/ns/net", &own) == 0 && fstat(descriptor, &other) == 0 && own.st_dev == other.st_dev &&
         own.st_ino == other.st_ino;
}

}  // namespace

Error enterNetworkNamespace(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return describeNamespaceError(errno, path);
  Error error;
  if (!isOwn(descriptor) && setns(descriptor, CLONE_NEWNET) != 0) error = describeNamespaceError(errno, path);
  close(descriptor);
  return error;
}

#else

Error enterNetworkNamespace(const std::string& path) {
  return {"ERR_UNSUPPORTED", "there are network namespaces only on Linux, so that " + path + " cannot be entered"};
}

#endif

}  // namespace flowtap::source
