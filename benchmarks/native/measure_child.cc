// Runs a command and writes what it cost to a file: measure_child RESULT COMMAND [ARGUMENT...]
// Node does not tell the CPU time of one child; wait4(2) does, to the microsecond. SIGINT and SIGTERM are passed on.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "measure.h"

namespace {

volatile pid_t child = 0;

void passOn(int signal) {
  if (child > 0) kill(child, signal);
}

int waitFor(pid_t pid, rusage& usage) {
  int status = 0;
  while (wait4(pid, &status, 0, &usage) < 0)
    if (errno != EINTR) return -1;
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: measure_child RESULT COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  // Until the child is known a signal waits.
  sigset_t passedOn;
  sigset_t before;
  sigemptyset(&passedOn);
  sigaddset(&passedOn, SIGINT);
  sigaddset(&passedOn, SIGTERM);
  sigprocmask(SIG_BLOCK, &passedOn, &before);
  child = fork();
  if (child == 0) {
    sigprocmask(SIG_SETMASK, &before, nullptr);
    execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    _exit(127);
  }
  std::signal(SIGINT, passOn);
  std::signal(SIGTERM, passOn);
  sigprocmask(SIG_SETMASK, &before, nullptr);

  rusage usage{};
  const int status = child < 0 ? -1 : waitFor(child, usage);
  if (status < 0) {
    std::perror("measure_child");
    return 1;
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  FILE* result = std::fopen(argv[1], "w");
  if (!result) {
    std::perror(argv[1]);
    return 1;
  }
  std::fprintf(result, "{\"cpuSeconds\":%.6f,\"wallSeconds\":%.6f,\"peakKiB\":%ld}\n",
               bench::seconds(usage.ru_utime) + bench::seconds(usage.ru_stime), wall.count(), usage.ru_maxrss);
  std::fclose(result);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
