// Packets for a recorder, and what it made of them.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "recording/recorder.h"
#include "source/capture_parser.h"

namespace flowtap::recording::test {

/// A folder of its own, empty again at the end.
class Folder {
 public:
  Folder() : path_("/tmp/flowtap-recording-XXXXXX") { REQUIRE(mkdtemp(path_.data()) != nullptr); }
  ~Folder() {
    ::unlink(file().c_str());
    // Fails when anything else was left behind.
    CHECK(::rmdir(path_.c_str()) == 0);
  }
  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/out.pcapng"; }

 private:
  std::string path_;
};

/// A packet that says which it is.
struct Sample {
  std::string bytes;
  uint32_t linkType = 1;
  uint32_t interfaceId = 0;
  int64_t timestampNs = 0;
  uint32_t more = 0;  ///< bytes on the wire behind those that were captured

  source::Packet packet() const {
    const auto length = static_cast<uint32_t>(bytes.size());
    return {reinterpret_cast<const uint8_t*>(bytes.data()), length, length + more, timestampNs, linkType, interfaceId};
  }
  bool operator==(const Sample& other) const = default;
};

inline std::string contentsOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// With the reader for all captures.
inline std::vector<Sample> packetsOf(const std::string& path) {
  const std::string bytes = contentsOf(path);
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  source::CaptureParser parser;
  std::vector<Sample> samples;
  for (size_t at = 0;;) {
    source::Packet packet;
    const source::ParseResult result = parser.parse(data + at, bytes.size() - at, &packet, 1);
    REQUIRE(result.status != source::ParseStatus::damaged);
    if (result.count == 1)
      samples.push_back({{reinterpret_cast<const char*>(packet.data), packet.capturedLength},
                         packet.linkType,
                         packet.interfaceId,
                         packet.timestampNs,
                         packet.wireLength - packet.capturedLength});
    at += result.consumed;
    if (result.status == source::ParseStatus::needMore) {
      CHECK(parser.endOfInput(data + at, bytes.size() - at) == "");
      return samples;
    }
  }
}

inline std::vector<std::string> textsOf(const std::string& path) {
  std::vector<std::string> texts;
  for (const Sample& sample : packetsOf(path)) texts.push_back(sample.bytes);
  return texts;
}

}  // namespace flowtap::recording::test
