#include "addon/layout.h"

#include <cstddef>

#include "delivery/flow_record.h"
#include "delivery/record.h"

namespace flowtap::addon {

namespace {

#define FIELD(object, type, name) object.Set(#name, static_cast<double>(offsetof(type, name)))

template <typename Enum>
void setValue(Napi::Object& object, const char* name, Enum value) {
  object.Set(name, static_cast<double>(value));
}

/// Of what follows records.
Napi::Object describeContinuations(Napi::Env env) {
  using delivery::Continuation;
  using delivery::ContinuationKind;
  using http::NoResponse;
  Napi::Object record = Napi::Object::New(env);
  FIELD(record, Continuation, id);
  FIELD(record, Continuation, timeNs);
  FIELD(record, Continuation, length);
  FIELD(record, Continuation, missingBytes);
  FIELD(record, Continuation, bytesOffset);
  FIELD(record, Continuation, suspicious);
  FIELD(record, Continuation, trailerOffset);
  FIELD(record, Continuation, trailerLength);
  FIELD(record, Continuation, trailersOffset);
  FIELD(record, Continuation, trailersCount);
  FIELD(record, Continuation, flags);
  FIELD(record, Continuation, integrity);
  FIELD(record, Continuation, kind);
  FIELD(record, Continuation, reason);
  Napi::Object kinds = Napi::Object::New(env);
  setValue(kinds, "body", ContinuationKind::body);
  setValue(kinds, "gap", ContinuationKind::gap);
  setValue(kinds, "end", ContinuationKind::end);
  setValue(kinds, "unanswered", ContinuationKind::unanswered);
  Napi::Object reasons = Napi::Object::New(env);
  setValue(reasons, "closed", NoResponse::closed);
  setValue(reasons, "reset", NoResponse::reset);
  setValue(reasons, "idle", NoResponse::idle);
  setValue(reasons, "evicted", NoResponse::evicted);
  setValue(reasons, "ended", NoResponse::ended);
  setValue(reasons, "lost", NoResponse::lost);
  setValue(reasons, "notSelected", NoResponse::notSelected);
  Napi::Object continuations = Napi::Object::New(env);
  continuations.Set("record", record);
  continuations.Set("recordSize", static_cast<double>(sizeof(Continuation)));
  continuations.Set("kinds", kinds);
  continuations.Set("reasons", reasons);
  return continuations;
}

/// Of flow_record.h.
Napi::Object describeFlows(Napi::Env env) {
  using delivery::FlowDirection;
  using delivery::FlowGapCause;
  using delivery::FlowKind;
  using delivery::FlowRecord;
  using tcp::CloseReason;
  Napi::Object record = Napi::Object::New(env);
  FIELD(record, FlowRecord, timeNs);
  FIELD(record, FlowRecord, offset);
  FIELD(record, FlowRecord, length);
  FIELD(record, FlowRecord, connectionOffset);
  FIELD(record, FlowRecord, bytesOffset);
  FIELD(record, FlowRecord, kind);
  FIELD(record, FlowRecord, direction);
  FIELD(record, FlowRecord, cause);
  FIELD(record, FlowRecord, reason);
  FIELD(record, FlowRecord, flags);
  Napi::Object kinds = Napi::Object::New(env);
  setValue(kinds, "open", FlowKind::open);
  setValue(kinds, "data", FlowKind::data);
  setValue(kinds, "gap", FlowKind::gap);
  setValue(kinds, "end", FlowKind::end);
  setValue(kinds, "close", FlowKind::close);
  Napi::Object directions = Napi::Object::New(env);
  setValue(directions, "client-to-server", FlowDirection::clientToServer);
  setValue(directions, "server-to-client", FlowDirection::serverToClient);
  Napi::Object causes = Napi::Object::New(env);
  setValue(causes, "lost", FlowGapCause::lost);
  setValue(causes, "truncated", FlowGapCause::truncated);
  setValue(causes, "evicted", FlowGapCause::evicted);
  setValue(causes, "dropped", FlowGapCause::dropped);
  Napi::Object reasons = Napi::Object::New(env);
  setValue(reasons, "finished", CloseReason::finished);
  setValue(reasons, "reset", CloseReason::reset);
  setValue(reasons, "idle", CloseReason::idle);
  setValue(reasons, "evicted", CloseReason::evicted);
  setValue(reasons, "reused", CloseReason::reused);
  setValue(reasons, "ended", CloseReason::ended);
  Napi::Object flags = Napi::Object::New(env);
  setValue(flags, "conflict", delivery::flow_flag::conflict);
  setValue(flags, "linkSource", delivery::flow_flag::linkSource);
  setValue(flags, "linkDestination", delivery::flow_flag::linkDestination);
  Napi::Object counts = Napi::Object::New(env);
  FIELD(counts, delivery::FlowCounts, firstTimeNs);
  FIELD(counts, delivery::FlowCounts, lastTimeNs);
  FIELD(counts, delivery::FlowCounts, packets);
  FIELD(counts, delivery::FlowCounts, bytes);
  FIELD(counts, delivery::FlowCounts, capturedBytes);
  FIELD(counts, delivery::FlowCounts, outOfOrder);
  FIELD(counts, delivery::FlowCounts, violations);
  Napi::Object flows = Napi::Object::New(env);
  flows.Set("record", record);
  flows.Set("recordSize", static_cast<double>(sizeof(FlowRecord)));
  flows.Set("kinds", kinds);
  flows.Set("directions", directions);
  flows.Set("causes", causes);
  flows.Set("reasons", reasons);
  flows.Set("flags", flags);
  flows.Set("counts", counts);
  flows.Set("countsSize", static_cast<double>(sizeof(delivery::FlowCounts)));
  return flows;
}

}  // namespace

Napi::Object describeLayout(Napi::Env env) {
  using delivery::BatchHeader;
  using delivery::Connection;
  using delivery::Record;
  Napi::Object header = Napi::Object::New(env);
  Napi::Object record = Napi::Object::New(env);
  Napi::Object connection = Napi::Object::New(env);
  Napi::Object flags = Napi::Object::New(env);
  FIELD(header, BatchHeader, recordCount);
  FIELD(header, BatchHeader, recordsOffset);
  FIELD(header, BatchHeader, bodyCount);
  FIELD(header, BatchHeader, continuationCount);
  FIELD(header, BatchHeader, continuationsOffset);
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
  FIELD(connection, Connection, proxiedSource);
  FIELD(connection, Connection, proxiedDestination);
  FIELD(connection, Connection, proxiedSourcePort);
  FIELD(connection, Connection, proxiedDestinationPort);
  FIELD(connection, Connection, proxiedIpVersion);
  FIELD(connection, Connection, handshakeUs);
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
  FLAG(streaming);
  FLAG(framed);
#undef FLAG
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("version", delivery::layoutVersion);
  layout.Set("header", header);
  layout.Set("record", record);
  layout.Set("recordSize", static_cast<double>(sizeof(Record)));
  layout.Set("connection", connection);
  layout.Set("connectionSize", static_cast<double>(sizeof(Connection)));
  layout.Set("flags", flags);
  Napi::Object suspicious = Napi::Object::New(env);
  for (const auto& [name, bit] : http1::suspicionNames) suspicious.Set(name, static_cast<double>(bit));
  layout.Set("suspicious", suspicious);
  layout.Set("continuations", describeContinuations(env));
  layout.Set("flows", describeFlows(env));
  return layout;
}

#undef FIELD

}  // namespace flowtap::addon
