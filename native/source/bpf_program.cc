#include "source/bpf_program.h"

#include <mutex>
#include <utility>

#include "source/link_type.h"
#include "source/sources.h"

namespace flowtap::source {

namespace {

// libpcap's compiler calls getprotobyname() and the like, whose results live in memory of the process; before 1.8 its
// parser did too.
std::mutex& compilerMutex() {
  static std::mutex mutex;
  return mutex;
}

constexpr int maxSnaplen = 262144;

}  // namespace

BpfProgram::~BpfProgram() { reset(); }

BpfProgram::BpfProgram(BpfProgram&& other) noexcept : program_(std::exchange(other.program_, {0, nullptr})) {}

BpfProgram& BpfProgram::operator=(BpfProgram&& other) noexcept {
  std::swap(program_, other.program_);
  return *this;
}

void BpfProgram::reset() {
  if (program_.bf_insns != nullptr) pcap_freecode(&program_);
  program_ = {0, nullptr};
}

bool BpfProgram::compile(const std::string& expression, pcap_t* handle, std::string& words) {
  reset();
  std::lock_guard lock(compilerMutex());
  if (pcap_compile(handle, &program_, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0) return true;
  words = pcap_geterr(handle);
  program_ = {0, nullptr};
  return false;
}

bool BpfProgram::compile(const std::string& expression, uint32_t linkType, std::string& words) {
  pcap_t* handle = pcap_open_dead(linkTypeToDlt(linkType), maxSnaplen);
  if (handle == nullptr) {
    words = "out of memory";
    return false;
  }
  const bool compiled = compile(expression, handle, words);
  pcap_close(handle);
  return compiled;
}

bool BpfProgram::matches(const Packet& packet) const {
  pcap_pkthdr header = {};
  header.caplen = packet.capturedLength;
  header.len = packet.wireLength;
  return pcap_offline_filter(&program_, &header, packet.data) != 0;
}

Error checkFilter(const std::string& expression, uint32_t linkType) {
  BpfProgram program;
  std::string words;
  if (program.compile(expression, linkType, words)) return {};
  return {"ERR_FILTER", "bad filter \"" + expression + "\" for link type " + linkTypeName(linkType) + ": " + words};
}

}  // namespace flowtap::source
