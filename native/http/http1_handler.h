// Builds messages from what the HTTP/1 parsers say, and pairs responses with requests.
#pragma once

#include <cstdint>
#include <memory>

#include "http/connection.h"
#include "http/matcher.h"
#include "http/message.h"
#include "http/message_sink.h"
#include "http/pool.h"
#include "http1/events.h"
#include "http1/parser.h"
#include "stats.h"
#include "stream/protocol_handler.h"

namespace flowtap::http {

/// What becomes of bodies.
enum class BodyMode : uint8_t {
  none,    ///< neither copied nor touched
  buffer,  ///< kept, and delivered with the message when it is complete
  stream,  ///< delivered as they come, behind the message, which is delivered when its head is complete
};

/// Which messages are delivered.
struct SelectionOptions {
  std::shared_ptr<const MatchProgram> program;  ///< null: everything matches
  /// The program is decided for both sides of an exchange, and one that matches selects both. Requests are kept until
  /// that is known.
  bool exchanges = false;
  bool interims = false;  ///< with `exchanges`: an interim response that matches selects its exchange too
  /// With `exchanges`: a request is kept until its final response is delivered too, in one batch with it.
  bool together = false;
  bool responses = true;                   ///< can be selected, so that somebody keeps their requests for them
  uint64_t maxBodyBytes = 8u << 20;        ///< kept of the body of such a request
  uint64_t maxUndecidedBytes = 32u << 20;  ///< of the requests that are kept so
};

struct HttpOptions {
  http1::ParserOptions parser;
  BodyMode body = BodyMode::buffer;
  uint64_t maxBodyBytes = 8u << 20;  ///< kept of each body
  SelectionOptions selection;
};

class Http1Handler final : public stream::ProtocolHandler, private http1::Events {
 public:
  Http1Handler(const HttpOptions& options, MessageSink& sink, Stats& stats);
  ~Http1Handler() override;
  Http1Handler(const Http1Handler&) = delete;
  Http1Handler& operator=(const Http1Handler&) = delete;

  void proxied(tcp::ConnectionInfo&, void*& state, tcp::Side side, const stream::ProxyHeader& header) override;
  void data(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t offset, const uint8_t* bytes, size_t length,
            int64_t timeNs) override;
  void gap(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t length, tcp::GapCause cause,
           int64_t timeNs) override;
  void conflict(tcp::ConnectionInfo&, void*& state, tcp::Side side, uint64_t offset, uint64_t length,
                tcp::ConflictAt where) override;
  void end(tcp::ConnectionInfo&, void*& state, tcp::Side side, int64_t timeNs) override;
  void close(tcp::ConnectionInfo&, void*& state, tcp::CloseReason reason, int64_t timeNs) override;
  void abandon(tcp::ConnectionInfo&, void*& state) override;
  bool recognised(const void* state) const override;

  /// Which messages are delivered from now on. Before there are any.
  void select(const SelectionOptions& selection);

 private:
  http1::Framing onHead(void* owner, uint8_t side, const http1::Head& head, int64_t startNs, int64_t endNs) override;
  void onSkippedHead(void* owner, uint8_t side, const http1::SkippedHead& head, int64_t timeNs) override;
  void onBody(void* owner, uint8_t side, const uint8_t* bytes, size_t length, int64_t timeNs) override;
  void onFraming(void* owner, uint8_t side, const uint8_t* bytes, size_t length) override;
  void onMissing(void* owner, uint8_t side, uint64_t length, uint64_t bodyLength, http1::Damage damage) override;
  void onTrailers(void* owner, uint8_t side, const uint8_t* bytes, size_t length, const http1::FieldSpan* fields,
                  size_t count) override;
  void onSuspicious(void* owner, uint8_t side, uint32_t reasons) override;
  void onMessageEnd(void* owner, uint8_t side, http1::Damage damage, int64_t endNs) override;
  void onTunnel(void* owner, uint8_t side, size_t length) override;

  Connection* connect(tcp::ConnectionInfo& info, bool fromStart);
  /// That of `state`, or a new one that begins at `offset`.
  Connection* connectionOf(tcp::ConnectionInfo& info, void*& state, uint64_t offset);
  http1::Framing frameRequest(Connection& connection, Message& message, const http1::Head& head);
  http1::Framing frameResponse(Connection& connection, tcp::Side side, Message& message, const http1::Head& head);
  void answerExpectation(Connection& connection, Exchange& exchange, const http1::Head& response);
  /// Adds one to the requests without a response.
  Exchange* expectResponse(Connection& connection, http1::MethodKind method, int64_t timeNs);
  Exchange* answeredBy(Connection& connection, tcp::Side side, bool interim, int64_t timeNs);
  /// Takes the oldest request out of the queue.
  void popUnanswered(Connection& connection);
  /// All of them, and those that were forgotten.
  void giveUpAllUnanswered(Connection& connection, NoResponse reason, int64_t timeNs);
  /// Makes room for another one.
  void forgetUnanswered(Connection& connection, int64_t timeNs);
  /// Responses behind those to the requests that are known may answer requests that are not.
  void loseRequests(Connection& connection);
  void tellNoResponse(Connection& connection, Exchange& exchange, NoResponse reason, int64_t timeNs);
  /// Takes the oldest request out of the queue, to which no response will come.
  void giveUpUnanswered(Connection& connection, NoResponse reason, int64_t timeNs);
  void releaseExchange(Exchange* exchange);

  /// Decides about a message whose head is complete.
  void select(Connection& connection, Message& message);
  void selectMessage(Connection& connection, Message& message);
  void selectByRequest(Connection& connection, Message& request);
  void selectByResponse(Connection& connection, Message& response);
  Selection decide(const Connection& connection, Kind self, MatchSubject request, MatchSubject response);
  void noResponseComes(Connection& connection, Exchange& exchange, int64_t timeNs);
  /// The request of a selected exchange need not wait any longer.
  void decided(Connection& connection, Exchange& exchange, int64_t timeNs);
  void reject(Message& message);
  void rejectExchange(Exchange& exchange);
  bool isRejected(const Message& message) const;
  /// Of a request: it is kept until its exchange is decided.
  bool waits(const Message& message) const;
  void beginWaiting(Message& request);
  void endWaiting(Message& request);
  /// Gives up the oldest requests that wait until the others are within the limit.
  void limitWaiting();
  /// Counts a message that is over and was not selected.
  void discard(Message* message);

  void releaseMessage(Message* message);
  /// Counts the memory that a message has, not the bytes that are in it.
  void recountPending(Message& message);
  /// Copies what still lies in the packet.
  void persist(Message& message);
  /// Tells how much there was room for.
  size_t keepBody(Message& message, const uint8_t* bytes, size_t length);
  void deliver(Connection& connection, Message& message);
  /// Delivers what there is of a message; the rest follows.
  void deliverEarly(Connection& connection, Message& message);
  void finish(Connection& connection, Message* message);
  void handOn(Connection& connection, Message* message);
  void finishRequest(Connection& connection, Message* message);
  void finishResponse(Connection& connection, Message* message);
  /// Of a request that is over.
  void handOnRequest(Connection& connection, Message* message, int64_t timeNs);
  void hold(Exchange& exchange, Message* response);
  Message* takeHeld(Exchange& exchange);
  /// The responses that were held.
  void handOnHeld(Connection& connection, Exchange& exchange);
  void release(Connection* connection, NoResponse reason, int64_t timeNs);

  const HttpOptions options_;
  MessageSink& sink_;
  Stats& stats_;
  http1::ParserContext parsing_;
  /// The bytes that are being parsed, and where they stand in the stream.
  struct InHand {
    uintptr_t begin;
    size_t length;
    uint64_t offset;
  };
  InHand inHand_{};
  SelectionOptions selection_;
  bool selects_;
  Matcher matcher_;
  Message* firstWaiting_ = nullptr;  ///< requests, oldest first
  Message* lastWaiting_ = nullptr;
  Pool<Message> messages_;
  Pool<Exchange> exchanges_;
  struct ConnectionSlab;
  ConnectionSlab* slabs_ = nullptr;
  void* freeConnections_ = nullptr;
};

}  // namespace flowtap::http
