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

}  // namespace

struct Http1Handler::ConnectionSlab {
  static constexpr size_t count = 256;
  ConnectionSlab* next;
  alignas(Connection) unsigned char memory[count][sizeof(Connection)];
};

Http1Handler::Http1Handler(const HttpOptions& options, MessageSink& sink, Stats& stats)
    : options_(options), sink_(sink), stats_(stats), parsing_(options.parser, *this, stats) {}

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

void Http1Handler::proxied(tcp::ConnectionInfo& info, void*& state, tcp::Side side, const stream::ProxyHeader& header) {
  Connection* connection = connect(info, true);
  state = connection;
  connection->clientSide = static_cast<int8_t>(side);
  if (header.ipVersion != 0) connection->proxied = std::make_unique<stream::ProxyHeader>(header);
}

void Http1Handler::data(tcp::ConnectionInfo& info, void*& state, tcp::Side side, uint64_t offset, const uint8_t* bytes,
                        size_t length, int64_t timeNs) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr) {
    connection = connect(info, info.initiator != tcp::unknownSide && offset == 0);
    state = connection;
  }
  // For what only frames a body, chunk sizes and trailers, the parser tells no time.
  if (Message* message = connection->open[side]; message != nullptr) message->endNs = std::max(message->endNs, timeNs);
  connection->parsers[side].data(parsing_, connection, side, bytes, length, timeNs);
  if (Message* message = connection->open[side]; message != nullptr && !message->persisted) persist(*message);
}

void Http1Handler::gap(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t length, tcp::GapCause cause,
                       int64_t) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr) return;
  http1::Parser& parser = connection->parsers[side];
  const bool hidesStart = parser.betweenMessages();
  parser.gap(parsing_, connection, side, length,
             cause == tcp::GapCause::lost ? http1::Damage::gap : http1::Damage::truncated);
  // Inside of a body whose end is known nothing else can be missing.
  if (parser.aligned()) return;
  connection->lossy = true;
  // A client that waits for each answer has had those to all requests before the one that is missing.
  if (hidesStart && side == connection->clientSide && !connection->pipelining)
    while (connection->firstUnanswered != nullptr) popUnanswered(*connection);
}

void Http1Handler::conflict(tcp::ConnectionInfo&, void*& state, tcp::Side side) {
  auto* connection = static_cast<Connection*>(state);
  if (connection != nullptr && connection->open[side] != nullptr) connection->open[side]->flags |= flag::conflict;
}

void Http1Handler::end(tcp::ConnectionInfo&, void*& state, tcp::Side side, int64_t) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr || connection->ended[side]) return;
  connection->ended[side] = true;
  connection->parsers[side].end(parsing_, connection, side, http1::Damage::aborted, true);
}

void Http1Handler::close(tcp::ConnectionInfo&, void*& state, tcp::CloseReason reason, int64_t) {
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
  release(connection);
}

void Http1Handler::abandon(tcp::ConnectionInfo&, void*& state) {
  auto* connection = static_cast<Connection*>(state);
  if (connection == nullptr) return;
  for (auto& parser : connection->parsers) parser.abandon(parsing_);
  state = nullptr;
  release(connection);
}

bool Http1Handler::recognised(const void* state) const {
  const auto* connection = static_cast<const Connection*>(state);
  return connection != nullptr && connection->counted;
}

void Http1Handler::release(Connection* connection) {
  while (connection->firstUnanswered != nullptr) popUnanswered(*connection);
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
  message->keepsBody = options_.keepBodies;
  if (options_.keepBodies) message->flags |= flag::bodyKept;
  message->exchange = nullptr;
  message->head = head.bytes;
  message->fields = head.fields;
  message->persisted = false;
  message->pendingBytes = 0;
  if (head.storage != nullptr) {
    message->headStore.swap(*head.storage);
    message->head = message->headStore.data();
    addPending(*message, head.length);
  }

  stats_.http_messagesStarted++;
  stats_.http_messagesOpen++;
  if (head.isRequest) {
    stats_.http_requests++;
    return frameRequest(connection, *message, head);
  }
  stats_.http_responses++;
  return frameResponse(connection, side, *message, head);
}

void Http1Handler::onBody(void* owner, uint8_t side, const uint8_t* bytes, size_t length, int64_t timeNs) {
  auto& connection = *static_cast<Connection*>(owner);
  Message& message = *connection.open[side];
  message.bodyLength += length;
  message.endNs = std::max(message.endNs, timeNs);
  stats_.http_bodyBytes += length;
  if (!message.keepsBody) {
    stats_.http_bodyBytesCut += length;
    return;
  }
  size_t kept = static_cast<size_t>(std::min<uint64_t>(length, options_.maxBodyBytes - message.bodyKept));
  if (kept > parsing_.pendingRoom()) kept = 0;
  if (kept < length) {
    message.keepsBody = false;
    message.flags |= flag::bodyTruncated;
    stats_.http_bodyBytesCut += length - kept;
    if (kept == 0) return;
  }
  if (!message.persisted && message.bodyStore.empty()) {
    // Still in the packet that brought the head.
    if (message.bodyKept == 0) {
      message.body = bytes;
      message.bodyKept = kept;
      return;
    }
    if (message.body + message.bodyKept == bytes) {
      message.bodyKept += kept;
      return;
    }
    message.bodyStore.append(message.body, message.bodyKept);
    addPending(message, message.bodyKept);
  }
  message.bodyStore.append(bytes, kept);
  addPending(message, kept);
  message.body = message.bodyStore.data();
  message.bodyKept = message.bodyStore.size();
}

void Http1Handler::onMissing(void* owner, uint8_t side, uint64_t length, uint64_t /*bodyLength*/,
                             http1::Damage damage) {
  auto& connection = *static_cast<Connection*>(owner);
  Message& message = *connection.open[side];
  message.missingBytes += length;
  message.integrity = worse(message.integrity, damage);
  // What comes behind a hole must not look as if it followed what came before it.
  message.keepsBody = false;
}

void Http1Handler::onTrailers(void* owner, uint8_t side, const uint8_t* bytes, size_t length,
                              const http1::FieldSpan* fields, size_t count) {
  auto& connection = *static_cast<Connection*>(owner);
  Message& message = *connection.open[side];
  message.trailerStore.append(bytes, length);
  addPending(message, length);
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
  message->integrity = worse(message->integrity, damage);
  message->endNs = std::max(message->endNs, endNs);
  finish(connection, message);
}

void Http1Handler::onTunnel(void*, uint8_t, size_t length) { stats_.http_tunnelBytes += length; }

}  // namespace flowtap::http
