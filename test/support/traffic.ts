/** Ready-made traffic: many conversations of random exchanges. */
import { Conversation, interleave } from './conversation.js';
import type { Segment } from './frame.js';
import { type Exchange, type ExchangeOptions, randomExchange, request, response } from './http.js';
import { Random } from './random.js';

export interface TrafficOptions extends ExchangeOptions {
  seed: number;
  conversations?: number;
  /** Exchanges a conversation. */
  exchanges?: number;
  /** Share of turns in which several requests are pipelined. Default 0.3. */
  pipelined?: number;
  v6?: boolean;
  mss?: number;
  /** Sequence numbers that wrap within the first bytes. */
  wrap?: boolean;
  ackEvery?: number;
}

export interface Traffic {
  conversations: Conversation[];
  segments: Segment[];
}

/** Interleaved keep-alive conversations; some bodies end with the connection. */
export function traffic(options: TrafficOptions): Traffic {
  const random = new Random(options.seed);
  const { conversations = 8, exchanges = 12, pipelined = 0.3, v6 = false, wrap = false } = options;
  const all: Conversation[] = [];
  for (let c = 0; c < conversations; c++) {
    const isn = () => (wrap ? 0x1_0000_0000 - random.between(1, 3000) : random.between(0, 0xffffffff));
    const conversation = new Conversation({
      client: { port: 20_000 + c, ...(v6 ? { address: `2001:db8::1:${c + 1}` } : { address: `10.1.0.${c + 1}` }) },
      server: { port: 8000, address: v6 ? '2001:db8::80' : '10.2.0.80' },
      isn: [isn(), isn()],
      mss: options.mss ?? random.pick([536, 1448, 1448, 8948]),
      startNs: 1_668_229_140_000_000_000n + BigInt(random.between(0, 5_000_000)),
      stepNs: BigInt(random.between(10_000, 90_000)),
      ackEvery: options.ackEvery ?? random.between(1, 3),
    });
    conversation.handshake();
    const turn: Exchange[] = [];
    for (let i = 0; i < exchanges; i++) {
      turn.push(randomExchange(random, `c${c}e${i}`, options));
      if (random.chance(pipelined)) continue;
      conversation.pipeline(turn.splice(0));
    }
    if (turn.length) conversation.pipeline(turn);
    if (!options.plain && random.chance(0.4)) {
      const asked = request({ target: `/c${c}last`, headers: [['X-Id', `qc${c}last`]] });
      const headers: [string, string][] = [
        ['X-Id', `rc${c}last`],
        ['Connection', 'close'],
      ];
      conversation.exchange(asked, response({ headers, body: random.text(random.between(0, 9000)), untilClose: true }));
      conversation.close(1);
    } else if (random.chance(0.1)) conversation.reset(0);
    else conversation.close(0);
    all.push(conversation);
  }
  return { conversations: all, segments: interleave(all) };
}
