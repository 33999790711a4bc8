// The life of a message behind its head: which request a response answers, how a body is framed, when it is handed on.
#include "http/http1_handler.h"

namespace flowtap::http {

namespace {

/// Pipelined requests without an answer, a connection; the oldest are forgotten. A capture of one direction never sees
/// answers.
constexpr uint16_t maxUnanswered = 512;
/// Responses that wait for the end of their request, a request.
constexpr uint16_t maxHeld = 64;
/// Buffers of recycled messages that are larger are given back.
constexpr size_t recycledBytes = 4096;
constexpr size_t recycledFields = 64;

/// Does a head frame a body? Many say "Content-Length: 0" where nothing may be said, which nobody can misread.
bool claimsBody(const http1::Head& head) { return head.hasTransferEncoding || head.contentLength != 0; }

}  // namespace

// ---- framing (RFC 9112, 6.3) ----

http1::Framing Http1Handler::frameRequest(Connection& connection, Message& message, const http1::Head& head) {
  using Body = http1::Framing::Kind;
  if (connection.clientSide == (connection.open[0] == &message ? 0 : 1)) {
    if (connection.firstUnanswered != nullptr && !connection.lossy) connection.pipelining = true;
    if (connection.unansweredCount == maxUnanswered) popUnanswered(connection);
    Exchange* exchange = exchanges_.acquire();
    *exchange = Exchange{};
    exchange->references = 2;  // the queue and the message
    exchange->method = head.method;
    if (connection.lastUnanswered != nullptr)
      connection.lastUnanswered->next = exchange;
    else
      connection.firstUnanswered = exchange;
    connection.lastUnanswered = exchange;
    connection.unansweredCount++;
    message.exchange = exchange;
  }
  if (head.hasTransferEncoding) {
    if (!head.chunked) return {Body::none};  // a server could not tell where it ends either
    message.flags |= flag::chunked;
    return {Body::chunked};
  }
  if (head.hasContentLength) return {Body::length, head.contentLength};
  return {Body::none};
}

http1::Framing Http1Handler::frameResponse(Connection& connection, tcp::Side side, Message& message,
                                           const http1::Head& head) {
  using Body = http1::Framing::Kind;
  const bool interim = head.status >= 100 && head.status < 200 && head.status != 101;
  if (interim) message.flags |= flag::interim;
  Exchange* exchange = answeredBy(connection, side, interim);
  message.exchange = exchange;
  const http1::MethodKind method = exchange != nullptr ? exchange->method : http1::MethodKind::other;

  // RFC 9112, 6.3
  if (head.status == 101 || (method == http1::MethodKind::connect && head.status >= 200 && head.status < 300)) {
    message.flags |= flag::upgraded;
    if (claimsBody(head)) message.suspicious |= suspicion::framingOfBodilessResponse;
    if (connection.open[tcp::other(side)] == nullptr) connection.parsers[tcp::other(side)].becomeTunnel(parsing_);
    return {Body::tunnel};
  }
  if (interim || head.status == 204) {
    if (claimsBody(head)) message.suspicious |= suspicion::framingOfBodilessResponse;
    return {Body::none};
  }
  if (head.status == 304 || method == http1::MethodKind::head) return {Body::none};
  const bool doubtful = exchange == nullptr;
  if (head.chunked) {
    message.flags |= flag::chunked;
    return {Body::chunked, 0, doubtful};
  }
  if (head.hasContentLength && !head.hasTransferEncoding) return {Body::length, head.contentLength, doubtful};
  message.flags |= flag::untilClose;
  return {Body::untilClose, 0, doubtful};
}

// ---- pairing ----

/// The request that the response which begins now answers; a final response takes it out of the queue.
Exchange* Http1Handler::answeredBy(Connection& connection, tcp::Side side, bool interim) {
  if (connection.clientSide == side) return nullptr;
  if (connection.lossy) {
    // Answers may be missing. A client that waits for each answer has had those to all requests but the last.
    if (!connection.pipelining)
      while (connection.firstUnanswered != nullptr && connection.firstUnanswered != connection.lastUnanswered)
        popUnanswered(connection);
    connection.lossy = false;
  }
  Exchange* exchange = connection.firstUnanswered;
  if (exchange == nullptr) return nullptr;
  exchange->references++;  // the response
  if (!interim) popUnanswered(connection);
  return exchange;
}

void Http1Handler::popUnanswered(Connection& connection) {
  Exchange* exchange = connection.firstUnanswered;
  if (exchange == nullptr) return;
  connection.firstUnanswered = exchange->next;
  if (connection.firstUnanswered == nullptr) connection.lastUnanswered = nullptr;
  connection.unansweredCount--;
  releaseExchange(exchange);
}

void Http1Handler::releaseExchange(Exchange* exchange) {
  if (--exchange->references == 0) exchanges_.release(exchange);
}

// ---- messages ----

void Http1Handler::finish(Connection& connection, Message* message) {
  stats_.http_messagesOpen--;
  stats_.http_messagesFinished++;
  Exchange* exchange = message->exchange;
  if (message->kind == Kind::request) {
    if (exchange == nullptr) {
      deliver(connection, message, 0);
      return;
    }
    const uint64_t id = sink_.deliver(connection, *message, 0);
    releaseMessage(message);
    exchange->requestId = id;
    while (exchange->heldFirst != nullptr) {
      Message* held = exchange->heldFirst;
      exchange->heldFirst = held->next;
      stats_.delivery_messagesHeld--;
      deliver(connection, held, id);
      releaseExchange(exchange);  // the response's
    }
    exchange->heldLast = nullptr;
    releaseExchange(exchange);
    return;
  }
  if (exchange == nullptr) {
    deliver(connection, message, 0);
    return;
  }
  if (exchange->requestId == 0 && exchange->heldCount < maxHeld) {
    // An early response: its request goes first.
    if (!message->persisted) persist(*message);
    message->next = nullptr;
    if (exchange->heldLast != nullptr)
      exchange->heldLast->next = message;
    else
      exchange->heldFirst = message;
    exchange->heldLast = message;
    exchange->heldCount++;
    stats_.delivery_messagesHeld++;
    return;
  }
  deliver(connection, message, exchange->requestId);
  releaseExchange(exchange);
}

void Http1Handler::deliver(Connection& connection, Message* message, uint64_t requestId) {
  sink_.deliver(connection, *message, requestId);
  releaseMessage(message);
}

void Http1Handler::addPending(Message& message, uint64_t bytes) {
  message.pendingBytes += bytes;
  stats_.http_pendingBytes += bytes;
}

void Http1Handler::releaseMessage(Message* message) {
  stats_.http_pendingBytes -= message->pendingBytes;
  message->headStore.reset(recycledBytes);
  message->bodyStore.reset(recycledBytes);
  message->trailerStore.reset(recycledBytes);
  if (message->fieldStore.capacity() > recycledFields) std::vector<http1::FieldSpan>().swap(message->fieldStore);
  message->trailerFields.clear();
  messages_.release(message);
}

void Http1Handler::persist(Message& message) {
  if (message.headStore.empty()) {
    message.headStore.append(message.head, message.headLength);
    message.head = message.headStore.data();
    addPending(message, message.headLength);
  }
  message.fieldStore.assign(message.fields, message.fields + message.fieldCount);
  message.fields = message.fieldStore.data();
  if (message.bodyKept != 0 && message.bodyStore.empty()) {
    message.bodyStore.append(message.body, message.bodyKept);
    message.body = message.bodyStore.data();
    addPending(message, message.bodyKept);
  }
  message.persisted = true;
}

}  // namespace flowtap::http
