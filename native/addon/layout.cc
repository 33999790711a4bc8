#include "addon/layout.h"

#include <cstddef>

#include "delivery/record.h"

namespace flowtap::addon {

Napi::Object describeLayout(Napi::Env env) {
  using delivery::BatchHeader;
  using delivery::Connection;
  using delivery::Record;
  Napi::Object header = Napi::Object::New(env);
  Napi::Object record = Napi::Object::New(env);
  Napi::Object connection = Napi::Object::New(env);
  Napi::Object flags = Napi::Object::New(env);
#define FIELD(object, type, name) object.Set(#name, static_cast<double>(offsetof(type, name)))
  FIELD(header, BatchHeader, recordCount);
  FIELD(header, BatchHeader, recordsOffset);
  FIELD(header, BatchHeader, bodyCount);
  FIELD(record, Record, id);
  FIELD(record, Record, requestId);
  FIELD(record, Record, startTimeNs);
  FIELD(record, Record, endTimeNs);
  FIELD(record, Record, bodyLength);
  FIELD(record, Record, missingBytes);
  FIELD(record, Record, kind);
  FIELD(record, Record, protocol);
  FIELD(record, Record, integrity);
  FIELD(record, Record, httpVersion);
  FIELD(record, Record, flags);
  FIELD(record, Record, status);
  FIELD(record, Record, connectionOffset);
  FIELD(record, Record, streamId);
  FIELD(record, Record, headOffset);
  FIELD(record, Record, headLength);
  FIELD(record, Record, methodLength);
  FIELD(record, Record, startLineOffset);
  FIELD(record, Record, textOffset);
  FIELD(record, Record, textLength);
  FIELD(record, Record, hostIndex);
  FIELD(record, Record, suspicious);
  FIELD(record, Record, headersOffset);
  FIELD(record, Record, headersCount);
  FIELD(record, Record, trailerOffset);
  FIELD(record, Record, trailerLength);
  FIELD(record, Record, trailersOffset);
  FIELD(record, Record, trailersCount);
  FIELD(record, Record, bodyOffset);
  FIELD(record, Record, bodyKeptLength);
  FIELD(record, Record, bodyBuffer);
  FIELD(connection, Connection, id);
  FIELD(connection, Connection, clientAddress);
  FIELD(connection, Connection, serverAddress);
  FIELD(connection, Connection, clientPort);
  FIELD(connection, Connection, serverPort);
  FIELD(connection, Connection, vlan);
  FIELD(connection, Connection, ipVersion);
  FIELD(connection, Connection, handshakeSeen);
  FIELD(connection, Connection, openTimeNs);
#undef FIELD
#define FLAG(name) flags.Set(#name, static_cast<double>(http::flag::name))
  FLAG(bodyKept);
  FLAG(bodyTruncated);
  FLAG(interim);
  FLAG(wideOffsets);
  FLAG(conflict);
  FLAG(obsFold);
  FLAG(upgraded);
  FLAG(chunked);
  FLAG(untilClose);
#undef FLAG
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("version", delivery::layoutVersion);
  layout.Set("header", header);
  layout.Set("record", record);
  layout.Set("recordSize", static_cast<double>(sizeof(Record)));
  layout.Set("connection", connection);
  layout.Set("connectionSize", static_cast<double>(sizeof(Connection)));
  layout.Set("flags", flags);
  return layout;
}

}  // namespace flowtap::addon
