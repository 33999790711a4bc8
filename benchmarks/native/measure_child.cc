// Runs a command and writes what it cost to a file: measure_child RESULT COMMAND [ARGUMENT...]
// Node does not tell the CPU time of one child; wait4(2) does, to the microsecond.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "measure.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: measure_child RESULT COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
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
