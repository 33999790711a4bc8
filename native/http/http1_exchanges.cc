// Which request a response answers, and how bodies are framed, which depends on it.
#include "http/http1_handler.h"

namespace flowtap::http {

namespace {

/// Pipelined requests without an answer, a connection; the oldest are forgotten. A capture of one direction never sees
/// answers.
constexpr uint16_t maxUnanswered = 512;

/// Does a head frame a body? Many say "Content-Length: 0" where nothing may be said, which nobody can misread.
bool claimsBody(const http1::Head& head) { return head.hasTransferEncoding || head.contentLength != 0; }

}  // namespace

// ---- framing (RFC 9112, 6.3) ----

http1::Framing Http1Handler::frameRequest(Connection& connection, Message& message, const http1::Head& head) {
  using Body = http1::Framing::Kind;
  if (connection.clientSide == (connection.open[0] == &message ? 0 : 1)) {
    Exchange* exchange = expectResponse(connection, head.method, message.startNs);
    exchange->references++;  // the message
    exchange->request = &message;
    exchange->expectsContinue = head.expectsContinue;
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
  const bool interim = isInterim(head.status);
  if (interim) message.flags |= flag::interim;
  Exchange* exchange = answeredBy(connection, side, interim, message.startNs);
  const bool doubtful = exchange == nullptr;
  const http1::MethodKind method = exchange != nullptr ? exchange->method : http1::MethodKind::other;
  if (exchange != nullptr && exchange->skipped) {
    releaseExchange(exchange);
    exchange = nullptr;
  }
  message.exchange = exchange;
  if (exchange != nullptr && exchange->expectsContinue) answerExpectation(connection, *exchange, head);

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
  if (head.chunked) {
    message.flags |= flag::chunked;
    return {Body::chunked, 0, doubtful};
  }
  if (head.hasContentLength && !head.hasTransferEncoding) return {Body::length, head.contentLength, doubtful};
  message.flags |= flag::untilClose;
  return {Body::untilClose, 0, doubtful};
}

/// RFC 9110, 10.1.1: a client that waits for 100 need not send the body when it gets a final status instead.
void Http1Handler::answerExpectation(Connection& connection, Exchange& exchange, const http1::Head& response) {
  if (response.incomplete) return;
  exchange.expectsContinue = isInterim(response.status) && response.status != 100;
  if (isInterim(response.status)) return;
  const auto client = static_cast<tcp::Side>(connection.clientSide);
  const Message* request = exchange.request;
  if (request == nullptr || request != connection.open[client]) return;
  if (request->bodyLength == 0 && request->missingBytes == 0) connection.parsers[client].bodyMayBeLeftOut();
}

// ---- pairing ----

Exchange* Http1Handler::expectResponse(Connection& connection, http1::MethodKind method, int64_t timeNs) {
  if (connection.requestsLost && connection.pastLost && connection.unanswered.empty())
    connection.requestsLost = false;  // in step again
  if (!connection.unanswered.empty() && !connection.lossy) connection.pipelining = true;
  if (connection.unanswered.size() == maxUnanswered) forgetUnanswered(connection, timeNs);
  Exchange* exchange = exchanges_.acquire();
  *exchange = Exchange{};
  exchange->references = 1;  // the queue
  exchange->method = method;
  connection.unanswered.push(exchange);
  return exchange;
}

/// The request that the response which begins now answers; a final response takes it out of the queue.
Exchange* Http1Handler::answeredBy(Connection& connection, tcp::Side side, bool interim, int64_t timeNs) {
  if (connection.clientSide == side) return nullptr;
  if (connection.lossy) {
    // Answers may be missing. A client that waits for each answer has had those to all requests but the last.
    if (!connection.pipelining) {
      connection.forgottenCount = 0;
      while (connection.unanswered.size() > 1) giveUpUnanswered(connection, NoResponse::lost, timeNs);
    }
    connection.lossy = false;
  }
  if (connection.requestsLost && connection.surelyCount == 0) {
    // Rather none than the wrong one.
    if (interim) return nullptr;
    connection.pastLost = true;
    giveUpUnanswered(connection, NoResponse::lost, timeNs);
    return nullptr;
  }
  if (!interim && connection.requestsLost) connection.surelyCount--;
  if (connection.forgottenCount != 0) {
    if (!interim) connection.forgottenCount--;
    return nullptr;
  }
  Exchange* exchange = connection.unanswered.first();
  if (exchange == nullptr) return nullptr;
  exchange->references++;  // the response
  if (!interim) popUnanswered(connection);
  return exchange;
}

void Http1Handler::forgetUnanswered(Connection& connection, int64_t timeNs) {
  if ((!connection.requestsLost || connection.surelyCount > connection.forgottenCount) &&
      connection.forgottenCount < UINT32_MAX - maxUnanswered)
    connection.forgottenCount++;
  giveUpUnanswered(connection, NoResponse::evicted, timeNs);
}

void Http1Handler::loseRequests(Connection& connection) {
  if (connection.requestsLost) return;
  connection.requestsLost = true;
  connection.pastLost = false;
  connection.surelyCount = connection.forgottenCount + connection.unanswered.size();
}

void Http1Handler::popUnanswered(Connection& connection) {
  if (Exchange* exchange = connection.unanswered.pop()) releaseExchange(exchange);
}

void Http1Handler::tellNoResponse(Connection& connection, Exchange& exchange, NoResponse reason, int64_t timeNs) {
  if (exchange.skipped) return;
  if (exchange.requestId != 0) {
    sink_.unanswered(exchange.requestId, reason, timeNs);
  } else {
    exchange.noResponse = reason;
    if (selection_.exchanges) noResponseComes(connection, exchange, timeNs);
  }
}

void Http1Handler::giveUpUnanswered(Connection& connection, NoResponse reason, int64_t timeNs) {
  if (connection.unanswered.empty()) return;
  tellNoResponse(connection, *connection.unanswered.first(), reason, timeNs);
  popUnanswered(connection);
}

void Http1Handler::giveUpAllUnanswered(Connection& connection, NoResponse reason, int64_t timeNs) {
  connection.forgottenCount = 0;
  while (!connection.unanswered.empty()) giveUpUnanswered(connection, reason, timeNs);
}

void Http1Handler::releaseExchange(Exchange* exchange) {
  if (--exchange->references == 0) exchanges_.release(exchange);
}

}  // namespace flowtap::http
