// Every counter, declared once. The macro lists them as X(group, name, kind); docs/api.md says what each one means.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flowtap {

// clang-format off
// packets: received = decoded + notTcp + malformed + unsupported; fragments <= notTcp
// tcp:     decoded = segments + notSelected
//          payloadBytes = deliveredBytes + duplicateBytes + conflictingBytes + evictedBytes + bufferedBytes;
//          lateBytes <= evictedBytes
// http:    requests + responses = messagesStarted
//          messagesStarted = messagesFinished + messagesNotSelected + delivery.messagesDropped + messagesOpen
// delivery: messagesFinished <= messagesDelivered, which counts a message whose body is streamed from its head on
//           of flows: tcp.deliveredBytes = bytes in events + eventBytesDropped
#define FLOWTAP_COUNTERS(X)                                                                              \
  X(packets, received)            /* packets handed over by the source */                              \
  X(packets, bytes)               /* their captured bytes */                                           \
  X(packets, decoded)             /* held a TCP segment */                                             \
  X(packets, notTcp)              /* other protocols, and fragments */                                 \
  X(packets, malformed)                                                                                \
  X(packets, unsupported)         /* unknown link type or encapsulation */                             \
  X(packets, fragments)           /* of notTcp: IP fragments that completed no datagram */             \
  X(packets, truncated)           /* of all: cut off by the snap length, as the capture or IP says */  \
  X(packets, filteredOut)         /* of a file: rejected by the BPF expression, not in received */     \
  X(packets, kernelReceived)                                                                           \
  X(packets, kernelDropped)                                                                            \
  X(packets, interfaceDropped)                                                                         \
  X(decode, fragmentDatagrams)    /* datagrams put together from fragments */                          \
  X(decode, fragmentsExpired)     /* fragments whose datagram never became complete */                 \
  X(decode, fragmentsEvicted)     /* fragments dropped because the buffer was full */                  \
  X(decode, fragmentsOverlapping) /* fragments that overlapped others with different bytes */          \
  X(decode, badChecksums)         /* with verifyChecksums */                                           \
  X(tcp, segments)                /* decoded and selected */                                           \
  X(tcp, notSelected)             /* decoded, but not of a selected port or address */                 \
  X(tcp, heldDropped)             /* of notSelected: might have been followed soon, but too many waited */\
  X(tcp, connectionsOpened)                                                                            \
  X(tcp, connectionsClosed)       /* all reasons */                                                    \
  X(tcp, connectionsExpired)      /* of the closed: idle */                                            \
  X(tcp, connectionsEvicted)      /* of the closed: too many */                                        \
  X(tcp, payloadBytes)            /* captured payload of the selected segments */                      \
  X(tcp, deliveredBytes)          /* given to the protocol, in order */                                \
  X(tcp, duplicateBytes)          /* retransmitted, or captured twice */                               \
  X(tcp, conflictingBytes)        /* overlapped earlier bytes and differed */                          \
  X(tcp, lateBytes)               /* of evicted: of a declared gap, before the start, or behind a FIN */\
  X(tcp, evictedBytes)            /* captured, never handed on: no room, or late */                    \
  X(tcp, bufferedBytes)           /* now: out of order, waiting */                                     \
  X(tcp, missingBytes)            /* in gaps */                                                        \
  X(tcp, gaps)                                                                                         \
  X(tcp, outOfOrderSegments)                                                                           \
  X(tcp, retransmittedSegments)                                                                        \
  X(tcp, keepAliveProbes)                                                                              \
  X(tcp, resets)                                                                                       \
  X(tcp, resetsIgnored)           /* RST outside of the window */                                      \
  X(http, connections)            /* that carried HTTP/1 */                                            \
  X(http, tlsConnections)         /* TLS: not decoded */                                               \
  X(http, http2Connections)       /* HTTP/2 with prior knowledge: not decoded */                       \
  X(http, otherConnections)       /* carried something else */                                         \
  X(http, tunnelBytes)            /* behind CONNECT or 101 */                                          \
  X(http, skippedBytes)           /* not understood: looked for the next start line */                 \
  X(http, resyncs)                /* found a start line again after a gap or garbage */                \
  X(http, headsTooLarge)                                                                               \
  X(http, requests)               /* started */                                                        \
  X(http, responses)              /* started, interim ones included */                                 \
  X(http, messagesStarted)                                                                             \
  X(http, messagesFinished)       /* and delivered, whatever their integrity */                        \
  X(http, messagesOpen)           /* now: begun, or held, and not finished */                          \
  X(http, messagesNotSelected)    /* over, and not matched */                                          \
  X(http, undecidedDropped)       /* requests that waited to be matched, given up: too much waited */  \
  X(http, undecidedBytes)         /* now: kept for requests that wait for their response to be matched */\
  X(http, bodyBytes)              /* after de-chunking, kept or not */                                 \
  X(http, bodyBytesCut)           /* of them not kept: not wanted, a limit, or behind a gap */         \
  X(http, pendingBytes)           /* now: kept for open and held messages */                           \
  X(delivery, messagesHeld)       /* now: of the open, responses that are over and wait for their request */\
  X(delivery, messagesDelivered)  /* handed to JavaScript or about to be */                            \
  X(delivery, messagesDropped)    /* the consumer was too slow */                                      \
  X(delivery, batches)                                                                                 \
  X(delivery, eventsDelivered)    /* flow events handed to JavaScript or about to be */                \
  X(delivery, eventsDropped)      /* the consumer was too slow */                                      \
  X(delivery, eventBytesDropped)  /* captured bytes of those */                                        \
  X(write, files)                 /* made for the option `write` */                                     \
  X(write, packets)               /* written to the file of the option `write` */                      \
  X(write, bytes)                 /* their captured bytes */                                           \
  X(write, connections)           /* whose packets they are */                                         \
  X(write, packetsLetGo)          /* not written, though their connection might yet have been wanted */\
  X(write, bytesLetGo)            /* their captured bytes */                                           \
  X(write, waitingBytes)          /* now: packets that wait until it is known whether they are wanted */
// clang-format on

/// Counters of one capture. Owned by the pipeline's thread; others see copies.
struct Stats {
#define FLOWTAP_DECLARE(group, name) uint64_t group##_##name = 0;
  FLOWTAP_COUNTERS(FLOWTAP_DECLARE)
#undef FLOWTAP_DECLARE
};

struct CounterName {
  const char* group;
  const char* name;
};

inline constexpr CounterName counterNames[] = {
#define FLOWTAP_NAME(group, name) {#group, #name},
    FLOWTAP_COUNTERS(FLOWTAP_NAME)
#undef FLOWTAP_NAME
};

inline constexpr size_t counterCount = sizeof(counterNames) / sizeof(counterNames[0]);
static_assert(sizeof(Stats) == counterCount * sizeof(uint64_t));

}  // namespace flowtap
