// The life of a message behind its head: when it is handed on.
#include "http/http1_handler.h"

namespace flowtap::http {

namespace {

/// Responses that wait for the end of their request, a request.
constexpr uint16_t maxHeld = 64;
/// Buffers of recycled messages that are larger are given back.
constexpr size_t recycledBytes = 4096;
constexpr size_t recycledFields = 64;

}  // namespace

void Http1Handler::deliver(Connection& connection, Message& message) {
  const Exchange* answered = message.kind == Kind::response ? message.exchange : nullptr;
  message.follows = selection_.together && answered != nullptr && answered->requestId != 0;
  sink_.deliver(connection, message, answered != nullptr ? answered->requestId : 0);
  message.delivered = true;
  if (message.kind == Kind::request && message.exchange != nullptr) message.exchange->requestId = message.id;
}

void Http1Handler::deliverEarly(Connection& connection, Message& message) {
  message.flags |= flag::streaming;
  deliver(connection, message);
}

void Http1Handler::finish(Connection& connection, Message* message) {
  if (message->kind == Kind::request)
    finishRequest(connection, message);
  else
    finishResponse(connection, message);
}

void Http1Handler::finishRequest(Connection& connection, Message* message) {
  Exchange* exchange = message->exchange;
  if (message->rejected) {
    discard(message);
    if (exchange == nullptr) return;
    exchange->request = nullptr;
    releaseExchange(exchange);
  } else if (waits(*message)) {
    if (!message->persisted) persist(*message);
    exchange->requestOver = true;
  } else {
    handOnRequest(connection, message, message->endNs);
  }
}

void Http1Handler::handOnRequest(Connection& connection, Message* message, int64_t timeNs) {
  handOn(connection, message);
  Exchange* exchange = message->exchange;
  releaseMessage(message);
  if (exchange == nullptr) return;
  exchange->request = nullptr;
  handOnHeld(connection, *exchange);
  if (exchange->noResponse != NoResponse{}) sink_.unanswered(exchange->requestId, exchange->noResponse, timeNs);
  releaseExchange(exchange);
}

void Http1Handler::handOnHeld(Connection& connection, Exchange& exchange) {
  while (Message* held = takeHeld(exchange)) {
    handOn(connection, held);
    releaseMessage(held);
    releaseExchange(&exchange);
  }
}

void Http1Handler::hold(Exchange& exchange, Message* response) {
  if (!response->persisted) persist(*response);
  exchange.held.push(response);
  stats_.delivery_messagesHeld++;
}

Message* Http1Handler::takeHeld(Exchange& exchange) {
  Message* held = exchange.held.pop();
  if (held != nullptr) stats_.delivery_messagesHeld--;
  return held;
}

void Http1Handler::finishResponse(Connection& connection, Message* message) {
  Exchange* exchange = message->exchange;
  bool rejected = isRejected(*message);
  if (!rejected && exchange != nullptr && exchange->requestId == 0 && exchange->selection != Selection::rejected) {
    // Its request goes first.
    const bool isLast = selection_.together && (message->flags & flag::interim) == 0;
    if (isLast || exchange->held.size() < maxHeld) {
      hold(*exchange, message);
      if (isLast) decided(connection, *exchange, message->endNs);
      return;
    }
    rejected = selection_.exchanges;
  }
  if (rejected) {
    discard(message);
  } else {
    handOn(connection, message);
    releaseMessage(message);
  }
  if (exchange != nullptr) releaseExchange(exchange);
}

/// Delivers it, or its end when that is what is left of it, and counts what became of it.
void Http1Handler::handOn(Connection& connection, Message* message) {
  if (!message->delivered)
    deliver(connection, *message);
  else if (!message->dropped)
    sink_.finish(*message);
  stats_.http_messagesOpen--;
  if (message->dropped)
    stats_.delivery_messagesDropped++;
  else
    stats_.http_messagesFinished++;
}

void Http1Handler::recountPending(Message& message) {
  const uint64_t bytes = message.headStore.capacity() + message.bodyStore.capacity() + message.trailerStore.capacity() +
                         message.fieldStore.capacity() * sizeof(http1::FieldSpan);
  stats_.http_pendingBytes += bytes - message.pendingBytes;
  if (message.waiting) stats_.http_undecidedBytes += bytes - message.pendingBytes;
  message.pendingBytes = bytes;
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
  }
  message.fieldStore.assign(message.fields, message.fields + message.fieldCount);
  message.fields = message.fieldStore.data();
  if (message.bodyKept != 0 && message.bodyStore.empty()) {
    message.bodyStore.append(message.body, message.bodyKept);
    message.body = message.bodyStore.data();
  }
  recountPending(message);
  message.persisted = true;
}

}  // namespace flowtap::http
