// What the benchmark programs share: CPU time, arguments, one line of JSON as a result.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace bench {

inline double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6; }

/// User and system time of this process, all its threads.
inline double cpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// A figure of /proc/self/status in KiB, 0 where there is none.
inline uint64_t statusKiB(const char* name) {
  FILE* status = std::fopen("/proc/self/status", "r");
  uint64_t found = 0;
  char line[256];
  while (status && std::fgets(line, sizeof line, status)) {
    const size_t length = std::strlen(name);
    if (std::strncmp(line, name, length) == 0 && line[length] == ':')
      found = std::strtoull(line + length + 1, nullptr, 10);
  }
  if (status) std::fclose(status);
  return found;
}

/// What this program needed at most. Not getrusage(), which remembers the process that it was forked from.
inline uint64_t peakKiB() { return statusKiB("VmHWM"); }

/// `--name value`, `--name`, and one positional argument.
class Arguments {
 public:
  Arguments(int count, char** values) : count_(count), values_(values) {}

  std::string value(const char* name, const char* fallback) const {
    for (int index = 1; index + 1 < count_; index++)
      if (std::strcmp(values_[index], name) == 0) return values_[index + 1];
    return fallback;
  }

  bool has(const char* name) const {
    for (int index = 1; index < count_; index++)
      if (std::strcmp(values_[index], name) == 0) return true;
    return false;
  }

  /// The first argument: the file.
  std::string positional() const { return count_ > 1 && values_[1][0] != '-' ? values_[1] : ""; }

 private:
  int count_;
  char** values_;
};

/// Collects the members of one JSON object.
class JsonLine {
 public:
  void text(const char* name, const std::string& value) { add(name, "\"" + value + "\""); }
  void number(const char* name, uint64_t value) { add(name, std::to_string(value)); }
  void number(const char* name, double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6f", value);
    add(name, digits);
  }
  void print() const { std::printf("{%s}\n", members_.c_str()); }

 private:
  void add(const char* name, const std::string& value) {
    if (!members_.empty()) members_ += ",";
    members_ += std::string("\"") + name + "\":" + value;
  }

  std::string members_;
};

}  // namespace bench
