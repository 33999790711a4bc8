#include "http/http1_handler.h"

#include <algorithm>
#include <new>

namespace flowtap::http {

namespace {

Integrity worse(Integrity integrity, http1::Damage damage) {
  const auto added = static_cast<Integrity>(damage);
  if (added == Integrity::complete) return integrity;
  return integrity == Integrity::complete ? added : std::min(integrity, added);
}

NoResponse noResponseBecause(tcp::CloseReason reason) {
  switch (reason) {
    case tcp::CloseReason::finished:
    case tcp::CloseReason::reused:
      return NoResponse::closed;
    case tcp::CloseReason::reset:
      return NoResponse::reset;
    case tcp::CloseReason::idle:
      return NoResponse::idle;
    case tcp::CloseReason::evicted:
      return NoResponse::evicted;
    case tcp::CloseReason::ended:
      break;
  }
  return NoResponse::ended;
}

}  // namespace

struct Http1Handler::ConnectionSlab {
  static constexpr size_t count = 256;
  ConnectionSlab* next;
  alignas(Connection) unsigned char memory[count][sizeof(Connection)];
};

Http1Handler::Http1Handler(const HttpOptions& options, MessageSink& sink, Stats& stats)
    : options_(options), sink_(sink), stats_(stats), parsing_(options.parser, *this, stats), matcher_(nullptr) {
  select(options.selection);
}

Http1Handler::~Http1Handler() {
  while (slabs_ != nullptr) {
    ConnectionSlab* slab = slabs_;
    slabs_ = slab->next;
    delete slab;
  }
}

// ---- connections ----

Connection* Http1Handler::connect(tcp::ConnectionInfo& info, bool fromStart) {
  if (freeConnections_ == nullptr) {
    auto* slab = new ConnectionSlab;
    slab->next = slabs_;
    slabs_ = slab;
    for (auto& memory : slab->memory) {
      *reinterpret_cast<void**>(memory) = freeConnections_;
      freeConnections_ = memory;
    }
  }
  void* memory = freeConnections_;
  freeConnections_ = *static_cast<void**>(memory);
  return new (memory) Connection(info, fromStart);
}

Connection* Http1Handler::connectionOf(tcp::ConnectionInfo& info, void*& state, uint64_t offset) {
  if (state == nullptr) state = connect(info, info.initiator != tcp::unknownSide && offset == 0);
  return static_cast<Connection*>(state);
}

void Http1Handler::proxied(tcp::ConnectionInfo& info, void*& state, tcp::Side side, const stream::ProxyHeader& header) {
  Connection* connection = connect(info, true);
  state = connection;
  connection->clientSide = static_cast<int8_t>(side);
  if (header.ipVersion != 0) connection->proxied = std::make_unique<stream::ProxyHeader>(header);
}

void Http1Handler::data(tcp::ConnectionInfo& info, void*& state, tcp::Side side, uint64_t offset, const uint8_t* bytes,
                        size_t length, int64_t timeNs) {
  Connection* connection = connectionOf(info, state, offset);
  // For what only frames a body, chunk sizes and trailers, the parser tells no time.
  if (Message* message = connection->open[side]; message != nullptr && !connection->parsers[side].awaitsBody())
    message->endNs = std::max(message->endNs, timeNs);
  if (selects_) limitWaiting();
  inHand_ = {reinterpret_cast<uintptr_t>(bytes), length, offset};
  connection->parsers[side].data(parsing_, connection, side, bytes, length, timeNs);
  inHand_.length = 0;
  Message* message = connection->open[side];
  if (connection->conflicting[side]) [[unlikely]]
    connection->conflicting[side] = message == nullptr && !connection->parsers[side].betweenMessages();
  if (message == nullptr || message->persisted || message->delivered || message->rejected) return;
  if (options_.body == BodyMode::stream && !waits(*message))
    deliverEarly(*connection, *message);
  else
    persist(*message);
}

void Http1Handler::gap(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t length, tcp::GapCause cause,
                       int64_t timeNs) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr) return;
  http1::Parser& parser = connection->parsers[side];
  const bool hidesStart = parser.betweenMessages();
  parser.gap(parsing_, connection, side, length,
             cause == tcp::GapCause::lost ? http1::Damage::gap : http1::Damage::truncated);
  // Inside of a body whose end is known nothing else can be missing.
  if (parser.aligned()) return;
  connection->lossy = true;
  if (side != connection->clientSide) return;
  if (connection->pipelining)
    loseRequests(*connection);
  else if (hidesStart)
    // A client that waits for each answer has had those to all requests before the one that is missing.
    giveUpAllUnanswered(*connection, NoResponse::lost, timeNs);
}

void Http1Handler::conflict(tcp::ConnectionInfo& info, void*& state, tcp::Side side, uint64_t offset, uint64_t length,
                            tcp::ConflictAt where) {
  Connection* connection = connectionOf(info, state, offset);
  const bool handedOn = where == tcp::ConflictAt::handedOn;
  if (handedOn && (offset + length <= connection->began[side] || connection->parsers[side].betweenMessages())) return;
  Message* message = connection->open[side];
  if (message != nullptr) message->flags |= flag::conflict;
  // Of the head that is half there, or of what begins in the bytes to come.
  if (message == nullptr || !handedOn) connection->conflicting[side] = true;
}

void Http1Handler::end(tcp::ConnectionInfo&, void*& state, tcp::Side side, int64_t) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr || connection->ended[side]) return;
  connection->ended[side] = true;
  connection->parsers[side].end(parsing_, connection, side, http1::Damage::aborted, true);
}

void Http1Handler::close(tcp::ConnectionInfo&, void*& state, tcp::CloseReason reason, int64_t timeNs) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr) return;
  const bool orderly = reason == tcp::CloseReason::finished;
  const bool cut = orderly || reason == tcp::CloseReason::reset;
  // The request first: responses wait for it.
  const tcp::Side first = connection->clientSide == 1 ? 1 : 0;
  for (const tcp::Side side : {first, tcp::other(first)}) {
    if (connection->ended[side]) continue;
    connection->parsers[side].end(parsing_, connection, side, cut ? http1::Damage::aborted : http1::Damage::truncated,
                                  orderly);
  }
  state = nullptr;
  release(connection, noResponseBecause(reason), timeNs);
}

void Http1Handler::abandon(tcp::ConnectionInfo&, void*& state) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr) return;
  for (auto& parser : connection->parsers) parser.abandon(parsing_);
  state = nullptr;
  release(connection, NoResponse::lost, connection->info->openTimeNs);
}

bool Http1Handler::recognised(const void* state) const {
  const auto* connection = static_cast<const Connection*>(state);
  return connection != nullptr && connection->counted;
}

void Http1Handler::release(Connection* connection, NoResponse reason, int64_t timeNs) {
  giveUpAllUnanswered(*connection, reason, timeNs);
  connection->~Connection();
  *reinterpret_cast<void**>(connection) = freeConnections_;
  freeConnections_ = connection;
}

// ---- events of the parsers ----

http1::Framing Http1Handler::onHead(void* owner, uint8_t side, const http1::Head& head, int64_t startNs,
                                    int64_t endNs) {
  auto& connection = *static_cast<Connection*>(owner);
  if (!connection.counted) {
    connection.counted = true;
    stats_.http_connections++;
  }
  if (connection.clientSide == tcp::unknownSide)
    connection.clientSide = static_cast<int8_t>(head.isRequest ? side : tcp::other(side));

  Message* message = messages_.acquire();
  connection.open[side] = message;
  message->kind = head.isRequest ? Kind::request : Kind::response;
  message->version = head.version;
  message->integrity = Integrity::complete;
  message->flags = (head.suspicious & suspicion::obsFold) != 0 ? flag::obsFold : 0;
  if (connection.conflicting[side]) [[unlikely]]
    message->flags |= flag::conflict;
  message->status = head.status;
  message->suspicious = head.suspicious;
  message->startNs = startNs;
  message->endNs = endNs;
  message->bodyLength = 0;
  message->missingBytes = 0;
  message->headLength = head.length;
  message->methodLength = head.methodLength;
  message->textOffset = head.textOffset;
  message->textLength = head.textLength;
  message->hostIndex = head.hostIndex;
  message->fieldCount = static_cast<uint32_t>(head.fieldCount);
  message->body = nullptr;
  message->bodyKept = 0;
  message->keepsBody = options_.body != BodyMode::none;
  if (message->keepsBody) message->flags |= flag::bodyKept;
  message->id = 0;
  message->delivered = false;
  message->dropped = false;
  message->bodyNotSent = 0;
  message->exchange = nullptr;
  message->head = head.bytes;
  message->fields = head.fields;
  message->rejected = false;
  message->follows = false;
  message->waiting = false;
  message->persisted = false;
  message->pendingBytes = 0;
  // A head that lies elsewhere began before them.
  if (const uintptr_t at = reinterpret_cast<uintptr_t>(head.bytes) - inHand_.begin; at < inHand_.length)
    connection.began[side] = inHand_.offset + at;
  if (head.storage != nullptr) {
    message->headStore.swap(*head.storage);
    message->head = message->headStore.data();
    recountPending(*message);
  }

  stats_.http_messagesStarted++;
  stats_.http_messagesOpen++;
  (head.isRequest ? stats_.http_requests : stats_.http_responses)++;
  const http1::Framing framing =
      head.isRequest ? frameRequest(connection, *message, head) : frameResponse(connection, side, *message, head);
  if (message->keepsBody && options_.parser.tellsFraming && framing.kind == http1::Framing::Kind::chunked)
    message->flags ^= flag::bodyKept | flag::framed;
  if (selects_) select(connection, *message);
  return framing;
}

void Http1Handler::onSkippedHead(void* owner, uint8_t side, const http1::SkippedHead& head, int64_t timeNs) {
  auto& connection = *static_cast<Connection*>(owner);
  if (connection.clientSide == tcp::unknownSide)
    connection.clientSide = static_cast<int8_t>(head.isRequest ? side : tcp::other(side));
  const bool fromClient = connection.clientSide == side;
  if (head.isRequest && fromClient)
    expectResponse(connection, head.method, timeNs)->skipped = true;
  else if (!head.isRequest && !fromClient && !isInterim(head.status))
    if (Exchange* exchange = answeredBy(connection, side, false, timeNs); exchange != nullptr) {
      tellNoResponse(connection, *exchange, NoResponse::lost, timeNs);
      releaseExchange(exchange);
    }
}

void Http1Handler::onBody(void* owner, uint8_t side, const uint8_t* bytes, size_t length, int64_t timeNs) {
  auto& connection = *static_cast<Connection*>(owner);
  Message& message = *connection.open[side];
  message.bodyLength += length;
  message.endNs = std::max(message.endNs, timeNs);
  stats_.http_bodyBytes += length;
  if (message.delivered && !message.dropped) {
    sink_.body(message, bytes, length);
  } else if (message.keepsBody && !message.delivered) {
    stats_.http_bodyBytesCut += length - keepBody(message, bytes, length);
  } else {
    stats_.http_bodyBytesCut += length;
  }
}

void Http1Handler::onFraming(void* owner, uint8_t side, const uint8_t* bytes, size_t length) {
  Message& message = *static_cast<Connection*>(owner)->open[side];
  if (message.keepsBody && !message.delivered) keepBody(message, bytes, length);
}

size_t Http1Handler::keepBody(Message& message, const uint8_t* bytes, size_t length) {
  const uint64_t maxBodyBytes =
      message.waiting ? std::min(selection_.maxBodyBytes, options_.maxBodyBytes) : options_.maxBodyBytes;
  size_t kept = static_cast<size_t>(std::min<uint64_t>(length, maxBodyBytes - message.bodyKept));
  if (message.bodyStore.growth(kept) > parsing_.pendingRoom()) kept = 0;
  if (kept < length) {
    message.keepsBody = false;
    message.flags |= flag::bodyTruncated;
    if (kept == 0) return 0;
  }
  if (!message.persisted && message.bodyStore.empty()) {
    // Still in the packet that brought the head.
    if (message.bodyKept == 0) {
      message.body = bytes;
      message.bodyKept = kept;
      return kept;
    }
    if (message.body + message.bodyKept == bytes) {
      message.bodyKept += kept;
      return kept;
    }
    message.bodyStore.append(message.body, message.bodyKept);
  }
  message.bodyStore.append(bytes, kept);
  recountPending(message);
  message.body = message.bodyStore.data();
  message.bodyKept = message.bodyStore.size();
  return kept;
}

void Http1Handler::onMissing(void* owner, uint8_t side, uint64_t length, uint64_t bodyLength, http1::Damage damage) {
  auto& connection = *static_cast<Connection*>(owner);
  Message& message = *connection.open[side];
  message.missingBytes += length;
  message.integrity = worse(message.integrity, damage);
  // What comes behind a hole must not look as if it followed what came before it.
  message.keepsBody = false;
  if (message.delivered && !message.dropped && bodyLength != 0) sink_.bodyGap(message, bodyLength);
}

void Http1Handler::onTrailers(void* owner, uint8_t side, const uint8_t* bytes, size_t length,
                              const http1::FieldSpan* fields, size_t count) {
  auto& connection = *static_cast<Connection*>(owner);
  Message& message = *connection.open[side];
  if (message.rejected) return;
  message.trailerStore.append(bytes, length);
  recountPending(message);
  message.trailerFields.assign(fields, fields + count);
}

void Http1Handler::onSuspicious(void* owner, uint8_t side, uint32_t reasons) {
  auto& connection = *static_cast<Connection*>(owner);
  Message& message = *connection.open[side];
  message.suspicious |= reasons;
  if ((reasons & suspicion::obsFold) != 0) message.flags |= flag::obsFold;
}

void Http1Handler::onMessageEnd(void* owner, uint8_t side, http1::Damage damage, int64_t endNs) {
  auto& connection = *static_cast<Connection*>(owner);
  Message* message = connection.open[side];
  connection.open[side] = nullptr;
  if (inHand_.length != 0) connection.began[side] = inHand_.offset;
  message->integrity = worse(message->integrity, damage);
  message->endNs = std::max(message->endNs, endNs);
  finish(connection, message);
}

void Http1Handler::onTunnel(void*, uint8_t, size_t length) { stats_.http_tunnelBytes += length; }

}  // namespace flowtap::http
