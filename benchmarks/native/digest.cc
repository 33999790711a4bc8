#include "digest.h"

#include <zlib.h>

#include <string>

namespace bench {

using flowtap::delivery::Batch;
using flowtap::delivery::Record;
using flowtap::http::Integrity;
using flowtap::http::Kind;

namespace {

constexpr uint64_t modulus = uint64_t{1} << 52;

uint64_t messageDigest(const Batch& batch, const Record& record) {
  const uint8_t* arena = batch.arena.data();
  const char* head = reinterpret_cast<const char*>(arena + record.headOffset);
  const uint8_t* body = record.bodyBuffer == 0 ? arena + record.bodyOffset
                                               : batch.bodies[record.bodyBuffer - 1].data() + record.bodyOffset;
  const uint32_t bodyCrc = static_cast<uint32_t>(crc32(0, body, record.bodyKeptLength));
  std::string text;
  if (record.kind == static_cast<uint8_t>(Kind::request)) {
    text.append("request ").append(head + record.startLineOffset, record.methodLength);
    text.append(" ").append(head + record.textOffset, record.textLength);
  } else {
    text.append("response ").append(std::to_string(record.status));
  }
  text.append(" ").append(std::to_string(static_cast<uint64_t>(record.bodyLength)));
  text.append(" ").append(std::to_string(bodyCrc));
  return crc32(0, reinterpret_cast<const uint8_t*>(text.data()), static_cast<uint32_t>(text.size()));
}

}  // namespace

void Totals::add(const Batch& batch, bool digest) {
  for (const Record& record : batch.records.as<Record>()) {
    messages_++;
    if (record.integrity != static_cast<uint8_t>(Integrity::complete)) continue;
    (record.kind == static_cast<uint8_t>(Kind::request) ? requests_ : responses_)++;
    bodyBytes_ += static_cast<uint64_t>(record.bodyLength);
    keptBodyBytes_ += record.bodyKeptLength;
    headBytes_ += record.headLength;
    headerFields_ += record.headersCount;
    if (digest) digest_ = (digest_ + messageDigest(batch, record)) % modulus;
  }
}

void Totals::report(JsonLine& line) const {
  line.number("messages", messages_);
  line.number("requests", requests_);
  line.number("responses", responses_);
  line.number("bodyBytes", bodyBytes_);
  line.number("keptBodyBytes", keptBodyBytes_);
  line.number("headBytes", headBytes_);
  line.number("headerFields", headerFields_);
  line.number("digest", digest_);
}

}  // namespace bench
