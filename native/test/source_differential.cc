// Our reader against libpcap's, on real captures.
#include <pcap.h>

#include <filesystem>

#include "source/link_type.h"
#include "source_fixture.h"

namespace flowtap::source {
namespace {

namespace fs = std::filesystem;

fs::path corpus() {
  if (const char* named = std::getenv("FLOWTAP_CORPUS"); named != nullptr) return named;
  // native/test/x.cc -> the folder beside the repository.
  return fs::path(__FILE__).parent_path().parent_path().parent_path().parent_path() / "shared" / "corpus";
}

// Stands for a timestamp with a negative field.
constexpr int64_t signedTimestamp = -1;

// What libpcap delivers until it ends or fails.
Parsed readByLibpcap(const std::string& path, int& snaplen) {
  Parsed parsed;
  char words[PCAP_ERRBUF_SIZE] = "";
  pcap_t* handle = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, words);
  if (handle == nullptr) {
    parsed.error = words;
    return parsed;
  }
  snaplen = pcap_snapshot(handle);
  const uint32_t linkType = normalizeLinkType(dltToLinkType(pcap_datalink(handle)));
  pcap_pkthdr* header;
  const u_char* data;
  int result;
  while ((result = pcap_next_ex(handle, &header, &data)) == 1) {
    const bool negative = header->ts.tv_sec < 0 || header->ts.tv_usec < 0;
    parsed.packets.push_back(
        {Buffer(data, data + header->caplen), header->len,
         negative ? signedTimestamp : int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec, linkType, 0});
  }
  if (result == PCAP_ERROR) parsed.error = pcap_geterr(handle);
  pcap_close(handle);
  return parsed;
}

TEST_CASE("the same packets as libpcap, wherever it reads the file") {
  const fs::path folder = corpus() / "pcaps";
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    MESSAGE("SKIP: no captures in " << folder.string() << "; name their folder in FLOWTAP_CORPUS");
    return;
  }
  size_t files = 0;
  size_t packets = 0;
  size_t refused = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    CAPTURE(path);
    int snaplen = 0;
    const Parsed theirs = readByLibpcap(path, snaplen);
    auto source = makeFileSource({path, ""});
    Keeper ours;
    ReadStatus status = ReadStatus::failed;
    if (source->open()) status = drain(*source, ours);

    const bool theyRefuse = !theirs.error.empty();
    const bool weRefuse = status == ReadStatus::failed;
    CHECK((weRefuse || status == ReadStatus::end));
    // What they read to the end we read to the end; where they stop, we may know more (several link types) but never
    // less.
    if (!theyRefuse) CHECK_FALSE(weRefuse);
    if (weRefuse) CHECK(source->error().code == "ERR_FILE");
    CHECK(ours.kept.size() >= theirs.packets.size());
    if (!theyRefuse) CHECK(ours.kept.size() == theirs.packets.size());
    if (theyRefuse != weRefuse) MESSAGE(entry.path().filename().string() << ": libpcap says " << theirs.error);
    size_t wrong = 0;
    for (size_t i = 0; i < std::min(ours.kept.size(), theirs.packets.size()); i++) {
      Kept mine = ours.kept[i];
      mine.interfaceId = 0;
      // They cut what is longer than the file's header promises; we keep what was captured.
      if (mine.data.size() > static_cast<size_t>(snaplen)) mine.data.resize(static_cast<size_t>(snaplen));
      // They read the fields of a timestamp as signed.
      if (theirs.packets[i].timestampNs == signedTimestamp) mine.timestampNs = signedTimestamp;
      wrong += mine != theirs.packets[i];
    }
    CHECK(wrong == 0);
    files++;
    packets += ours.kept.size();
    refused += weRefuse;
  }
  CHECK(files > 0);
  MESSAGE(files << " files, " << packets << " packets, " << refused << " files damaged or truncated");
}

}  // namespace
}  // namespace flowtap::source
