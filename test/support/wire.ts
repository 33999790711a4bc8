/** Runs wire cases: many connections in one capture, cut into segments in one of several ways. */
import { Readable } from 'node:stream';
import { capture, type Message } from '../../lib/index.js';
import type { Turn, WireCase } from '../wire-cases/case.js';
import { pcap, toPackets } from './capture-file.js';
import { Conversation } from './conversation.js';
import type { Segment, Side } from './frame.js';
import { Random } from './random.js';

export type Cut = 'whole' | 'in single bytes' | 'shuffled';

/** More than a segment of any case holds. */
const wholeBytes = 60_000;
const shuffledPieces = 10;
const firstPort = 10_000;
const startNs = 1_668_229_140_000_000_000n;

/** What of a case must be known to make packets of it. */
export type Spoken = Pick<WireCase, 'turns' | 'midStream' | 'open' | 'piece'>;

/** Segments that are sent together and may arrive in any order: their times stay in order. */
function shuffle(segments: Segment[], from: number, to: number, random: Random): void {
  const times = segments.slice(from, to).map((segment) => segment.timeNs);
  for (let i = to - 1; i > from; i--) {
    const j = random.between(from, i);
    [segments[i], segments[j]] = [segments[j] as Segment, segments[i] as Segment];
  }
  times.forEach((timeNs, i) => {
    (segments[from + i] as Segment).timeNs = timeNs;
  });
}

function speak(conversation: Conversation, turn: Turn, cut: Cut, piece: number, random: Random): void {
  const side: Side = turn.from === 'client' ? 0 : 1;
  if ('end' in turn) {
    if (turn.end === 'fin') conversation.fin(side);
    else conversation.reset(side);
    return;
  }
  const bytes = Buffer.from(turn.say, 'latin1');
  const { segments } = conversation;
  const from = segments.length;
  const mss = cut === 'whole' ? wholeBytes : cut === 'shuffled' ? Math.ceil(bytes.length / shuffledPieces) : piece;
  conversation.send(side, bytes, mss);
  const to = segments.length - 1; // behind them is the acknowledgment of all
  if (!turn.captured) segments.splice(from, to - from);
  else if (cut === 'shuffled') shuffle(segments, from, to, random);
}

export function segmentsOf(spoken: Spoken, index: number, cut: Cut, random: Random): Segment[] {
  const conversation = new Conversation({
    client: { port: firstPort + index },
    isn: [random.between(0, 0xffffffff), random.between(0, 0xffffffff)],
    startNs: startNs + BigInt(index) * 1_000_000n,
    stepNs: 100n,
    ackEvery: Number.POSITIVE_INFINITY,
  });
  if (spoken.midStream) conversation.withoutHandshake();
  else conversation.handshake();
  for (const turn of spoken.turns) speak(conversation, turn, cut, spoken.piece ?? 1, random);
  if (!spoken.open && !spoken.turns.some((turn) => 'end' in turn && turn.end === 'reset')) conversation.close();
  return conversation.segments;
}

/** The messages of each case, in the order of delivery. */
export async function run(cases: readonly Spoken[], cut: Cut, options = {}, seed = 71): Promise<Message[][]> {
  const random = new Random(seed);
  const segments = cases.flatMap((one, index) => segmentsOf(one, index, cut, random));
  const file = pcap(toPackets(segments, { link: 'raw', checksums: 'zero' }), { nanoseconds: true });
  const messages: Message[][] = cases.map(() => []);
  for await (const batch of capture({ stream: Readable.from([file]), ...options }).batches())
    for (const message of batch) messages[message.connection.client.port - firstPort]?.push(message);
  return messages;
}
