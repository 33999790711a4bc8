import type { Batch } from '../batch.js';
import type { NoResponseReason, Unanswered } from '../continuations.js';
import { flags, RESPONSE } from '../layout.js';
import { messageAt, type RequestMessage, type ResponseMessage } from '../message.js';
import { type FoundRequest, findRequest } from '../requests.js';
import { Exchange } from './exchange.js';

/** The exchanges that are complete with this batch: a response is there, or it is known that none will come. Call it while the batch is the newest. */
export function exchangesOf(batch: Batch, unanswered: readonly Unanswered[]): Exchange[] {
  const exchanges: Exchange[] = [];
  for (let i = 0, at = batch.recordsOffset; i < batch.length; i++, at = batch.recordAt(i)) {
    if (batch.kind(at) !== RESPONSE || (batch.flags(at) & flags.interim) !== 0) continue;
    const response = messageAt(batch, i) as ResponseMessage;
    exchanges.push(new Exchange(response.request, response, undefined, batch.handshakeNs(at)));
  }
  for (const { id, reason } of unanswered) {
    const found = findRequest(batch, id);
    // One that was dropped was counted where that happened; one that was forgotten was told before.
    if (found !== undefined) exchanges.push(...unansweredOf([found], reason));
  }
  return exchanges;
}

/** The exchanges of requests to which no response will come. */
export function unansweredOf(requests: readonly FoundRequest[], reason: NoResponseReason): Exchange[] {
  return requests.map(({ batch, index }) => {
    const request = messageAt(batch, index) as RequestMessage;
    return new Exchange(request, undefined, reason, batch.handshakeNs(batch.recordAt(index)));
  });
}
