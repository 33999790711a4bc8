// Protocols that are written like HTTP/1.
#include <doctest/doctest.h>

#include <string>

#include "stream/protocol.h"

using namespace flowtap::stream;

namespace {

Protocol feed(Detector& detector, const std::string& bytes) {
  return detector.feed(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

Protocol inPieces(const std::string& bytes, size_t cut) {
  Detector detector;
  if (cut != 0 && feed(detector, bytes.substr(0, cut)) == Protocol::other) return Protocol::other;
  return feed(detector, bytes.substr(cut));
}

}  // namespace

TEST_CASE("stream: first lines of other protocols, however they are cut") {
  for (const std::string line :
       {"OPTIONS icap://h/a ICAP/1.0\r\n", "ICAP/1.0 204 No Content\r\n", "INVITE sip:a@h SIP/2.0\r\n",
        "SIP/2.0 100 Trying\n", "\r\n\r\nMESSAGE sip:a@h SIP/2.0\n", "DESCRIBE rtsp://h/a RTSP/1.0\r\n",
        "RTSP/2.0 200 OK\r\n", "A SIP/2.0\r\n", "M-SEARCH * HTTP/1.1\r\n", "NOTIFY * HTTP/1.0\n"})
    for (size_t cut = 0; cut < line.size(); cut++) {
      CAPTURE(line);
      CAPTURE(cut);
      CHECK(inPieces(line + "\r\nGET / HTTP/1.1\r\n\r\n", cut) == Protocol::other);
    }
  CHECK(inPieces("INVITE sip:" + std::string(8000, 'a') + " SIP/2.0\r\n", 4000) == Protocol::other);
}

TEST_CASE("stream: first lines of HTTP, and of what is nothing of all this") {
  for (const std::string line :
       {"GET / HTTP/1.1\r\n", "GET /SIP/2.0 HTTP/1.1\r\n", "GET /?SIP/2.0\r\n", "HTTP/1.1 200 SIP/2.0 \r\n",
        "NOTIFY /event HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "XM-SEARCH * HTTP/1.1\r\n", "M-SEARCH / HTTP/1.1\r\n",
        "M-SEARCH * HTTP/1.1x\r\n", "SIP/2.0x 1\r\n", "SIP/3.0 200 OK\r\n", "A\n", "A\r\n", "a sip:b SIP/2.0\r\n",
        "\x01 SIP/2.0\r\n"})
    for (size_t cut = 0; cut < line.size(); cut++) {
      CAPTURE(line);
      CAPTURE(cut);
      CHECK(inPieces(line + "INVITE sip:a@h SIP/2.0\r\n", cut) == Protocol::undetermined);
    }
  Detector endless;
  CHECK(feed(endless, std::string(100'000, 'A')) == Protocol::undetermined);
  CHECK(endless.finished());
}
