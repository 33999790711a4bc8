#include "text/message_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "text/block.h"
#include "text/field_name.h"

namespace flowtap::text {

using delivery::BatchReader;
using delivery::Bytes;
using delivery::FieldSpan;
using delivery::Record;
using delivery::Section;
namespace flag = http::flag;

namespace {

/// Of a block without what came from the wire.
constexpr size_t maxFrameBytes = 4096;
/// Of a trailer field: colon, space and line feed.
constexpr size_t fieldFrameBytes = 3;

/// `1,234,567`
void writeCount(Pen& pen, uint64_t count) {
  constexpr uint64_t group = 1000;
  if (count < group) {
    pen.number(count);
    return;
  }
  writeCount(pen, count / group);
  pen.put(',');
  pen.digits(count % group, 3);
}

/// `1 byte`, `25 bytes`
void writeBytes(Pen& pen, double count) {
  writeCount(pen, static_cast<uint64_t>(count));
  pen.write(count == 1 ? std::string_view(" byte") : std::string_view(" bytes"));
}

/// A number of parts of a unit as JavaScript writes it: `2.5` for 25 tenths.
void writeFraction(Pen& pen, uint64_t parts, unsigned digits) {
  uint64_t unit = 1;
  for (unsigned i = 0; i < digits; i++) unit *= 10;
  pen.number(parts / unit);
  uint64_t rest = parts % unit;
  if (rest == 0) return;
  for (; rest % 10 == 0; rest /= 10) digits--;
  pen.put('.');
  pen.digits(rest, digits);
}

/// As Math.round().
double rounded(double value) { return std::floor(value + 0.5); }

/// `340 us`, `2.5 ms`, `12.25 s`
void writeDuration(Pen& pen, int64_t ns) {
  const double us = rounded(static_cast<double>(ns) / 1000);
  const double tenthsOfMs = rounded(us / 100);
  const auto write = [&pen](double parts, unsigned digits, std::string_view unit) {
    if (parts < 0) pen.put('-');
    writeFraction(pen, static_cast<uint64_t>(std::abs(parts)), digits);
    pen.write(unit);
  };
  if (std::abs(us) < 1000)
    write(us, 0, " us");
  else if (std::abs(tenthsOfMs) < 10'000)
    write(tenthsOfMs, 1, " ms");
  else
    write(rounded(us / 10'000), 2, " s");
}

/// Printable ASCII, tabs and line feeds, and CRLF as line feeds: false when there is anything else.
bool writePlain(Pen& pen, const Bytes& text, const uint8_t* readable) {
  uint8_t* const end = copyBut(
      pen.at(), text.data, text.length, readable, [](const Block& block) { return block.notPlain(); },
      [](uint8_t* to, const uint8_t* from, size_t left) -> uint8_t* {
        return *from == '\r' && left > 1 && from[1] == '\n' ? to : nullptr;
      });
  if (end == nullptr) return false;
  pen.moveTo(end);
  return true;
}

/// Start line and fields as sent, without the empty line behind them.
bool writeHead(Pen& pen, const Bytes& head, const uint8_t* readable) {
  if (!writePlain(pen, head, readable)) return false;
  while (pen.at()[-1] == '\n' && pen.at()[-2] == '\n') pen.moveTo(pen.at() - 1);
  return true;
}

bool isLine(const Bytes& text) {
  return std::all_of(text.data, text.end(), [](uint8_t byte) { return byte >= 0x20 && byte < 0x7f; });
}

bool writeTrailers(Pen& pen, const Section& section) {
  if (section.count == 0) return true;
  pen.write("[trailers]\n");
  uint32_t end = 0;
  for (uint32_t i = 0; i < section.count; i++) {
    FieldSpan span;
    if (!section.field(i, span) || span.nameStart < end || span.valueStart < span.nameEnd) return false;
    end = span.valueEnd;
    const Bytes name{section.bytes.data + span.nameStart, span.nameEnd - span.nameStart};
    const Bytes value{section.bytes.data + span.valueStart, span.valueEnd - span.valueStart};
    if (!isLine(name) || !isLine(value)) return false;
    pen.copy(name.data, name.length);
    pen.write(": ");
    pen.copy(value.data, value.length);
    pen.put('\n');
  }
  return true;
}

void writeIntegrity(Pen& pen, const Record& record) {
  switch (static_cast<http::Integrity>(record.integrity & 3u)) {
    case http::Integrity::complete:
      return;
    case http::Integrity::gap:
      pen.put('[');
      if (record.missingBytes > 0)
        writeBytes(pen, record.missingBytes);
      else
        pen.write("bytes");
      pen.write(" not captured, so that there is a gap inside]\n");
      return;
    case http::Integrity::truncated:
      pen.write("[truncated: the capture does not hold all of it]\n");
      return;
    case http::Integrity::aborted:
      pen.write("[aborted: the connection ended before the message did]\n");
      return;
  }
}

/// What a reader has to know to believe the right thing.
void writeNotes(Pen& pen, const Record& record) {
  const bool kept = (record.flags & flag::bodyKept) != 0;
  if (!kept && record.bodyLength > 0) {
    pen.write("[body of ");
    writeBytes(pen, record.bodyLength);
    pen.write(", not kept]\n");
  } else if (kept && (record.flags & flag::bodyTruncated) != 0) {
    pen.write("[body of ");
    writeBytes(pen, record.bodyLength);
    pen.write(", the first ");
    writeCount(pen, record.bodyKeptLength);
    pen.write(" kept]\n");
  }
  writeIntegrity(pen, record);
  if ((record.flags & flag::conflict) != 0)
    pen.write("[packets disagreed about its bytes; those that came first are shown]\n");
  if (record.suspicious == 0) return;
  bool first = true;
  for (const auto& [name, bit] : http1::suspicionNames) {
    if ((record.suspicious & bit) == 0) continue;
    pen.write(first ? std::string_view("[suspicious: ") : std::string_view(", "));
    pen.write(std::string_view(name));
    first = false;
  }
  if (!first) pen.write("]\n");
}

/// A content coding, which may be undone, or none.
bool isEncoded(const Section& head) {
  for (uint32_t i = 0; i < head.count; i++) {
    FieldSpan span;
    if (!head.field(i, span)) return true;
    if (isContentEncoding(head.bytes.data + span.nameStart, span.nameEnd - span.nameStart)) return true;
  }
  return false;
}

}  // namespace

bool MessageBlocks::append(TextBuffer& out, const BatchReader& batch, const Record& record, const Asked& asked) {
  const size_t before = out.size();
  if (appendMessage(out, batch, record, asked)) return true;
  out.truncate(before);
  return false;
}

bool MessageBlocks::appendMessage(TextBuffer& out, const BatchReader& batch, const Record& record, const Asked& asked) {
  if ((record.flags & (flag::obsFold | flag::streaming | flag::framed)) != 0) return false;
  Section head;
  Section trailers;
  Bytes body;
  delivery::Connection connection;
  if (!batch.head(record, head) || !batch.trailers(record, trailers) || !batch.connection(record, connection) ||
      !batch.body(record, body)) {
    return false;
  }
  const bool hasBody = (record.flags & flag::bodyKept) != 0 && body.length != 0;
  if (hasBody && isEncoded(head)) return false;
  const size_t room = head.bytes.length + (hasBody ? body.length : 0) + trailers.bytes.length +
                      trailers.count * fieldFrameBytes + maxFrameBytes;
  Pen pen(out.extend(room));
  if (!writeHeading(pen, connection, record, asked) || !writeHead(pen, head.bytes, batch.end())) return false;
  if (hasBody) {
    pen.put('\n');
    if (!writePlain(pen, body, record.bodyBuffer == 0 ? batch.end() : body.end())) return false;
    if (pen.at()[-1] != '\n') pen.put('\n');
  }
  if (!writeTrailers(pen, trailers)) return false;
  writeNotes(pen, record);
  pen.put('\n');
  out.truncate(static_cast<size_t>(pen.at() - out.data()));
  return true;
}

/// `2022-11-12T04:59:00.125956Z  192.0.2.1:47106 <- 192.0.2.2:8000  #2 answers #1 after 2.5 ms`
bool MessageBlocks::writeHeading(Pen& pen, const delivery::Connection& connection, const Record& record,
                                 const Asked& asked) {
  times_.write(pen, record.startTimeNs, 6);
  pen.write("  ");
  uint8_t* const ends = pen.at();
  ends_.write(pen, connection);
  const bool isResponse = record.kind != static_cast<uint8_t>(http::Kind::request);
  if (isResponse) {
    uint8_t* const arrow = std::find(ends, pen.at(), '-');
    arrow[0] = '<';
    arrow[1] = '-';
  }
  pen.write("  #");
  pen.number(static_cast<uint64_t>(record.id));
  if (isResponse && record.requestId == 0) {
    if (!selected_) pen.write(" (its request was not seen)");
  } else if (isResponse) {
    pen.write(" answers #");
    pen.number(static_cast<uint64_t>(record.requestId));
    int64_t waitNs;
    if (asked.known && __builtin_sub_overflow(record.startTimeNs, asked.startNs, &waitNs)) return false;
    if (asked.known) {
      pen.write(" after ");
      writeDuration(pen, waitNs);
    }
  }
  pen.put('\n');
  return true;
}

}  // namespace flowtap::text
