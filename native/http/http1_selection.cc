// Which messages are delivered. A request whose exchange is not decided yet waits: it is kept, and given up when too
// much is kept so.
#include <algorithm>

#include "http/http1_handler.h"

namespace flowtap::http {

namespace {

constexpr MatchSubject unknown{nullptr, true};
constexpr MatchSubject never{nullptr, false};
MatchSubject known(const Message* message) { return {message, false}; }

bool isInterim(const Message& message) { return (message.flags & flag::interim) != 0; }

/// What a request that waits takes, beside what it owns.
constexpr uint64_t waitingCost = sizeof(Message) + sizeof(Exchange);

/// Of the verdicts for the two sides of an exchange.
Selection either(Selection a, Selection b) { return std::min(a, b); }

}  // namespace

void Http1Handler::select(const SelectionOptions& selection) {
  selection_ = selection;
  selects_ = selection.program != nullptr || selection.together;
  matcher_ = Matcher(selection.program);
}

// ---- at the head ----

void Http1Handler::select(Connection& connection, Message& message) {
  if (!selection_.exchanges)
    selectMessage(connection, message);
  else if (message.kind == Kind::request)
    selectByRequest(connection, message);
  else
    selectByResponse(connection, message);
}

Selection Http1Handler::decide(const Connection& connection, Kind self, MatchSubject request, MatchSubject response) {
  const tcp::Side client = connection.clientSide == 1 ? 1 : 0;
  switch (matcher_.decide({connection.info, client, self, request, response})) {
    case Verdict::yes:
      return Selection::selected;
    case Verdict::undecided:
      return Selection::undecided;
    default:
      return Selection::rejected;
  }
}

void Http1Handler::selectMessage(Connection& connection, Message& message) {
  const bool isRequest = message.kind == Kind::request;
  const Selection selection = isRequest ? decide(connection, message.kind, known(&message), never)
                                        : decide(connection, message.kind, never, known(&message));
  if (selection == Selection::selected) return;
  reject(message);
  Exchange* exchange = message.exchange;
  if (exchange == nullptr) return;
  if (isRequest) {
    exchange->selection = Selection::rejected;
  } else if (!isInterim(message) && selection_.responses && exchange->selection == Selection::selected) {
    // Its request is kept for it.
    if (exchange->requestId != 0)
      sink_.unanswered(exchange->requestId, NoResponse::notSelected, message.startNs);
    else
      exchange->noResponse = NoResponse::notSelected;
  }
}

void Http1Handler::selectByRequest(Connection& connection, Message& request) {
  Exchange* exchange = request.exchange;
  if (exchange == nullptr) {
    if (decide(connection, Kind::request, known(&request), never) == Selection::rejected) reject(request);
    return;
  }
  // Whatever holds for its response, there may be none.
  const Selection byResponse =
      std::max(Selection::undecided, decide(connection, Kind::response, known(&request), unknown));
  exchange->selection = either(decide(connection, Kind::request, known(&request), unknown), byResponse);
  if (exchange->selection == Selection::rejected)
    reject(request);
  else if (waits(request))
    beginWaiting(request);
}

void Http1Handler::selectByResponse(Connection& connection, Message& response) {
  Exchange* exchange = response.exchange;
  if (exchange == nullptr) {
    if (decide(connection, Kind::response, never, known(&response)) == Selection::rejected) reject(response);
    return;
  }
  const bool isFinal = !isInterim(response);
  if (exchange->selection == Selection::undecided && (isFinal || selection_.interims)) {
    const MatchSubject request = known(exchange->request);
    Selection selection = decide(connection, Kind::response, request, known(&response));
    if (isFinal) selection = either(selection, decide(connection, Kind::request, request, known(&response)));
    if (selection == Selection::selected) {
      exchange->selection = Selection::selected;
      if (!selection_.together) decided(connection, *exchange, response.startNs);
    } else if (isFinal) {
      rejectExchange(*exchange);
    }
  }
  if (exchange->selection == Selection::rejected)
    reject(response);
  else if (isFinal && selection_.together && options_.body == BodyMode::stream)
    decided(connection, *exchange, response.startNs);
}

// ---- exchanges ----

void Http1Handler::noResponseComes(Connection& connection, Exchange& exchange, int64_t timeNs) {
  if (exchange.selection == Selection::undecided) {
    exchange.selection = decide(connection, Kind::request, known(exchange.request), never);
    if (exchange.selection != Selection::selected) rejectExchange(exchange);
  }
  if (exchange.selection == Selection::selected) decided(connection, exchange, timeNs);
}

void Http1Handler::decided(Connection& connection, Exchange& exchange, int64_t timeNs) {
  exchange.responseDecided = true;
  Message* request = exchange.request;
  if (request == nullptr) return;
  endWaiting(*request);
  if (exchange.requestOver) {
    handOnRequest(connection, request, timeNs);
  } else if (options_.body == BodyMode::stream && !request->delivered) {
    deliverEarly(connection, *request);
    handOnHeld(connection, exchange);
  }
}

void Http1Handler::rejectExchange(Exchange& exchange) {
  exchange.references++;
  exchange.selection = Selection::rejected;
  while (Message* held = takeHeld(exchange)) {
    discard(held);
    releaseExchange(&exchange);
  }
  if (Message* request = exchange.request; request != nullptr) {
    endWaiting(*request);
    if (exchange.requestOver) {
      discard(request);
      exchange.request = nullptr;
      releaseExchange(&exchange);
    } else {
      reject(*request);
    }
  }
  releaseExchange(&exchange);
}

// ---- messages ----

void Http1Handler::reject(Message& message) {
  message.rejected = true;
  message.keepsBody = false;
  message.bodyKept = 0;
  if (message.pendingBytes == 0) return;
  message.headStore.reset(0);
  message.bodyStore.reset(0);
  message.trailerStore.reset(0);
  std::vector<http1::FieldSpan>().swap(message.fieldStore);
  recountPending(message);
}

bool Http1Handler::isRejected(const Message& message) const {
  if (message.rejected) return true;
  return selection_.exchanges && message.exchange != nullptr && message.exchange->selection == Selection::rejected;
}

void Http1Handler::discard(Message* message) {
  stats_.http_messagesOpen--;
  stats_.http_messagesNotSelected++;
  releaseMessage(message);
}

// ---- requests that wait ----

bool Http1Handler::waits(const Message& message) const {
  const Exchange* exchange = message.exchange;
  if (!selection_.exchanges || message.kind != Kind::request || exchange == nullptr) return false;
  return exchange->selection == Selection::undecided ||
         (selection_.together && exchange->selection == Selection::selected && !exchange->responseDecided);
}

void Http1Handler::beginWaiting(Message& request) {
  request.waiting = true;
  request.waitingBefore = lastWaiting_;
  request.waitingBehind = nullptr;
  (lastWaiting_ != nullptr ? lastWaiting_->waitingBehind : firstWaiting_) = &request;
  lastWaiting_ = &request;
  stats_.http_undecidedBytes += waitingCost + request.pendingBytes;
}

void Http1Handler::endWaiting(Message& request) {
  if (!request.waiting) return;
  request.waiting = false;
  (request.waitingBefore != nullptr ? request.waitingBefore->waitingBehind : firstWaiting_) = request.waitingBehind;
  (request.waitingBehind != nullptr ? request.waitingBehind->waitingBefore : lastWaiting_) = request.waitingBefore;
  stats_.http_undecidedBytes -= waitingCost + request.pendingBytes;
}

void Http1Handler::limitWaiting() {
  while (stats_.http_undecidedBytes > selection_.maxUndecidedBytes && firstWaiting_ != nullptr) {
    stats_.http_undecidedDropped++;
    rejectExchange(*firstWaiting_->exchange);
  }
}

}  // namespace flowtap::http
