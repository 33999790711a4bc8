// Packets of an interface, through libpcap.
#include <pcap.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "source/bpf_program.h"
#include "source/link_type.h"
#include "source/live_error.h"
#include "source/network_namespace.h"
#include "source/selection_filter.h"
#include "source/sources.h"
#include "source/wake_event.h"

namespace flowtap::source {

namespace {

constexpr int maxPacketsPerRead = 512;

class LiveSource final : public PacketSource {
 public:
  explicit LiveSource(LiveOptions options) : options_(std::move(options)) {}
  ~LiveSource() override {
    if (handle_ != nullptr) pcap_close(handle_);
  }

  bool open() override {
    if (!wake_.valid()) return fail({"ERR_CAPTURE", "too many open files to watch an interface"});
    return enterNamespace() && activate() && setFilter() && describe();
  }

  ReadStatus read(PacketSink& sink, int timeoutMs) override {
    if (wake_.take()) return ReadStatus::interrupted;
    if (error_) return ReadStatus::failed;
    // Looking before waiting keeps the order right when the interface goes away: first what the ring still holds.
    if (dispatch(sink) || error_) return error_ && !delivered_ ? ReadStatus::failed : ReadStatus::packets;
    if (const ReadStatus status = wait(timeoutMs); status != ReadStatus::packets) return status;
    if (dispatch(sink)) return ReadStatus::packets;
    return error_ ? ReadStatus::failed : ReadStatus::idle;
  }

  void wake() override { wake_.raise(); }
  const SourceInfo& info() const override { return info_; }
  const Error& error() const override { return error_; }

  SourceCounters counters() override {
    pcap_stat now = {};
    if (handle_ != nullptr && pcap_stats(handle_, &now) == 0) {
      // libpcap counts in 32 bits.
      counters_.kernelReceived += now.ps_recv - last_.ps_recv;
      counters_.kernelDropped += now.ps_drop - last_.ps_drop;
      counters_.interfaceDropped += now.ps_ifdrop - last_.ps_ifdrop;
      last_ = now;
    }
    return counters_;
  }

 private:
  bool fail(Error error) {
    error_ = std::move(error);
    return false;
  }

  /// For good: the capture thread does nothing else.
  bool enterNamespace() {
    if (options_.networkNamespace.empty()) return true;
    Error error = enterNetworkNamespace(options_.networkNamespace);
    return !error || fail(std::move(error));
  }

  bool activate() {
    const std::string& name = options_.interface;
    if (name.empty()) return fail(describeActivationError(PCAP_ERROR_NO_SUCH_DEVICE, name, ""));
    char words[PCAP_ERRBUF_SIZE] = "";
    handle_ = pcap_create(name.c_str(), words);
    if (handle_ == nullptr) return fail({"ERR_CAPTURE", "cannot capture on \"" + name + "\": " + words});
    pcap_set_snaplen(handle_, static_cast<int>(std::min<uint32_t>(options_.snaplen, INT_MAX)));
    pcap_set_promisc(handle_, options_.promiscuous ? 1 : 0);
    pcap_set_buffer_size(handle_, static_cast<int>(std::min<uint32_t>(options_.bufferBytes, INT_MAX)));
    int timeoutMs = options_.pollTimeoutMs;
#ifdef __linux__
    // Immediate mode would mean TPACKET_V2, whose ring has a slot of up to 128 KiB for each packet: 64 MiB hold 512 of
    // them, and a burst is lost. The shortest time-out of TPACKET_V3 costs half a millisecond and loses nothing.
    if (options_.immediate) timeoutMs = 1;
#else
    pcap_set_immediate_mode(handle_, options_.immediate ? 1 : 0);
#endif
    // 0 would mean "wait until a block is full".
    pcap_set_timeout(handle_, std::max(timeoutMs, 1));
    // Where it is not supported microseconds remain; timestamps are scaled by what is in force.
    pcap_set_tstamp_precision(handle_, PCAP_TSTAMP_PRECISION_NANO);
    const int status = pcap_activate(handle_);
    if (status < 0) return fail(describeActivationError(status, name, pcap_geterr(handle_)));
    if (pcap_setnonblock(handle_, 1, words) != 0) {
      return fail({"ERR_CAPTURE", "cannot capture on \"" + name + "\": " + words});
    }
    nsPerFraction_ = pcap_get_tstamp_precision(handle_) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    linkType_ = dltToLinkType(pcap_datalink(handle_));
    return true;
  }

  bool setFilter() {
    BpfProgram program;
    std::string words;
    if (!options_.filter.empty() && !program.compile(options_.filter, handle_, words)) {
      return fail({"ERR_FILTER", "bad filter \"" + options_.filter + "\" for \"" + options_.interface +
                                     "\" (link type " + linkTypeName(linkType_) + "): " + words});
    }
    info_.filter = options_.filter;
    const std::string selected = combineFilters(selectionFilter(options_.selection), options_.filter);
    if (narrow(program, selected)) info_.filter = selected;
    const bool shared = narrow(program, combineFilters(shareFilter(options_.share), info_.filter));
    if ((info_.filter.empty() && !shared) || pcap_setfilter(handle_, program.raw()) == 0) return true;
    return fail({"ERR_FILTER", "cannot set the filter \"" + info_.filter + "\": " + pcap_geterr(handle_)});
  }

  /// A link type that it does not compile for gets all packets: what is derived only saves work.
  bool narrow(BpfProgram& program, const std::string& expression) {
    BpfProgram narrower;
    std::string words;
    if (expression.empty() || !narrower.compile(expression, handle_, words)) return false;
    program = std::move(narrower);
    return true;
  }

  bool describe() {
    info_.interface = options_.interface;
    info_.linkType = linkTypeName(linkType_);
    info_.snaplen = static_cast<uint32_t>(pcap_snapshot(handle_));
    return true;
  }

  // Whether there were packets.
  bool dispatch(PacketSink& sink) {
    delivered_ = false;
    sink_ = &sink;
    const int result = pcap_dispatch(handle_, maxPacketsPerRead, onPacket, reinterpret_cast<u_char*>(this));
    sink_ = nullptr;
    if (result < 0) fail(describeCaptureError(options_.interface, pcap_geterr(handle_)));
    return delivered_;
  }

  // One at a time: libpcap may give the memory back to the kernel as soon as the callback returned.
  static void onPacket(u_char* user, const pcap_pkthdr* header, const u_char* data) {
    LiveSource& source = *reinterpret_cast<LiveSource*>(user);
    const Packet packet = {
        data,
        header->caplen,
        header->len,
        int64_t{header->ts.tv_sec} * 1'000'000'000 + int64_t{header->ts.tv_usec} * source.nsPerFraction_,
        source.linkType_,
        0};
    source.delivered_ = true;
    source.sink_->packets(&packet, 1);
  }

  // `packets` when there may be some.
  ReadStatus wait(int timeoutMs) {
    pollfd descriptors[] = {{wake_.descriptor(), POLLIN, 0}, {pcap_get_selectable_fd(handle_), POLLIN, 0}};
    // Some devices cannot be polled, or not reliably; libpcap then says how often to look.
    if (const timeval* often = pcap_get_required_select_timeout(handle_); often != nullptr) {
      const int oftenMs = static_cast<int>(often->tv_sec * 1000 + often->tv_usec / 1000);
      timeoutMs = timeoutMs < 0 ? oftenMs : std::min(timeoutMs, oftenMs);
    }
    int ready;
    do {
      ready = poll(descriptors, 2, std::max(timeoutMs, -1));
    } while (ready < 0 && errno == EINTR);
    return wake_.take() ? ReadStatus::interrupted : ReadStatus::packets;
  }

  const LiveOptions options_;
  WakeEvent wake_;
  pcap_t* handle_ = nullptr;
  PacketSink* sink_ = nullptr;
  bool delivered_ = false;
  uint32_t linkType_ = 0;
  int64_t nsPerFraction_ = 1;
  SourceInfo info_;
  SourceCounters counters_;
  pcap_stat last_ = {};
  Error error_;
};

}  // namespace

std::unique_ptr<PacketSource> makeLiveSource(LiveOptions options) {
  return std::make_unique<LiveSource>(std::move(options));
}

}  // namespace flowtap::source
