/** The six workloads. */
import { CaptureFile } from './capture-file.js';
import { allocatePayload, type Payload } from './checksum.js';
import { Conversation, type Script, type Tally } from './conversation.js';
import { MessageMaker } from './http.js';
import { ack, Endpoint, type Impairments, maxSegmentBytes, Network, syn } from './network.js';
import { Random } from './random.js';
import { emptyTotals, type Truth, type WorkloadName } from './truth.js';

/** Raised with every change of what a seed gives. */
export const generatorVersion = 1;
export const httpPort = 8000;

const server = address(10, 0, 0, 80);

const hostileShares: Impairments = { reordered: 0.05, retransmitted: 0.02, overlapping: 0.01, lost: 0.0005 };

interface Work {
  network: Network;
  random: Random;
  scale: number;
  tally: Tally;
}

interface Recipe {
  meanGapMicros: number;
  impairments?: Impairments;
  /** Fills the capture and returns the number of HTTP connections. */
  generate(work: Work): number;
}

const recipes: Record<WorkloadName, Recipe> = {
  api: { meanGapMicros: 12, generate: generateApi },
  hostile: { meanGapMicros: 12, impairments: hostileShares, generate: generateApi },
  bulk: { meanGapMicros: 2, generate: generateBulk },
  short: { meanGapMicros: 5, generate: generateShort },
  many: { meanGapMicros: 5, generate: generateMany },
  noise: { meanGapMicros: 6, generate: generateNoise },
};

/** Writes the capture file and tells what is in it. Scale 1 is the full size; smaller ones have fewer connections. */
export function generateWorkload(workload: WorkloadName, path: string, scale = 1, seed = 1): Truth {
  const recipe = recipes[workload];
  // Each concern draws from a generator of its own, so that hostile carries the same messages as api.
  const file = new CaptureFile(path, new Random(seed + 3), recipe.meanGapMicros);
  const network = new Network(file, new Random(seed + 2), recipe.impairments);
  const tally: Tally = { sent: { requests: 0, responses: 0 }, complete: emptyTotals() };
  const connections = recipe.generate({ network, random: new Random(seed), scale, tally });
  network.finish();
  file.close();
  return {
    workload,
    scale,
    seed,
    version: generatorVersion,
    port: httpPort,
    file: { bytes: file.bytes, packets: file.packets },
    connections,
    sent: tally.sent,
    complete: tally.complete,
    streamBytes: network.streamBytes - network.missingBytes,
    missingBytes: network.missingBytes,
    impaired: network.impaired,
  };
}

function apiScript(maker: MessageMaker, exchanges: number): Script {
  return {
    exchanges,
    request: () => maker.apiRequest(),
    response: () => maker.apiResponse(),
    flightSegments: 64,
    serverCloses: false,
    requestAck: 0.6,
    responseAck: 0.95,
  };
}

function generateApi(work: Work): number {
  const connections = scaled(2000, work.scale);
  const script = apiScript(new MessageMaker(work.random, 8192), 100);
  interleave(work.random, 64, connections, (_slot, index) => converse(work, script, index));
  return connections;
}

function generateBulk(work: Work): number {
  const { random } = work;
  const messages = Math.max(8, Math.round(800 * work.scale));
  const connections = Math.min(scaled(40, work.scale), messages >> 2);
  const slots = 8;
  const makers = Array.from({ length: slots }, () => new MessageMaker(random, 4 << 20));
  let chunked = false;
  const bodyBytes = () => Math.round(65_536 + (4 * 1024 * 1024 - 65_536) * random.fraction() ** 2.3);
  const coding = () => {
    chunked = !chunked;
    return chunked;
  };
  interleave(random, slots, connections, (slot, index) => {
    const maker = makers[slot] as MessageMaker;
    const isUpload = (exchange: number) => exchange % 4 === 3;
    const script: Script = {
      exchanges: Math.floor((messages * (index + 1)) / connections) - Math.floor((messages * index) / connections),
      request: (exchange) =>
        isUpload(exchange) ? maker.uploadRequest(bodyBytes(), coding()) : maker.downloadRequest(),
      response: (exchange) =>
        isUpload(exchange) ? maker.uploadResponse() : maker.downloadResponse(bodyBytes(), coding()),
      flightSegments: 16,
      serverCloses: false,
      requestAck: 0.5,
      responseAck: 1,
    };
    return converse(work, script, index);
  });
  return connections;
}

function generateShort(work: Work): number {
  const connections = scaled(300_000, work.scale);
  const maker = new MessageMaker(work.random, 8192);
  const script: Script = {
    exchanges: 1,
    request: () => maker.healthRequest(),
    response: () => maker.healthResponse(),
    flightSegments: 64,
    serverCloses: true,
    requestAck: 0.6,
    responseAck: 0.9,
  };
  interleave(work.random, 128, connections, (_slot, index) => converse(work, script, index));
  return connections;
}

function generateMany(work: Work): number {
  const connections = scaled(100_000, work.scale);
  const script = apiScript(new MessageMaker(work.random, 8192), 3);
  const conversations = Array.from({ length: connections }, (_, index) => converse(work, script, index));
  // All of them take each step, in an order of its own, before any takes the next: they are all open at once.
  for (let open = true; open; ) {
    shuffle(work.random, conversations);
    open = false;
    for (const conversation of conversations) if (conversation.step()) open = true;
  }
  return connections;
}

function generateNoise(work: Work): number {
  const { random } = work;
  const connections = scaled(264, work.scale);
  const script = apiScript(new MessageMaker(random, 8192), 100);
  const background = new Background(work);
  let owed = 0;
  const others = () => {
    for (owed += 15.3; owed > 0; ) owed -= background.burst();
  };
  interleave(random, 32, connections, (_slot, index) => converse(work, script, index), others);
  return connections;
}

/** Traffic that is not HTTP: long-lived TCP connections of other ports, and UDP. */
class Background {
  readonly #network: Network;
  readonly #random: Random;
  readonly #flows: { client: Endpoint; server: Endpoint }[] = [];
  readonly #noise: Payload = allocatePayload(1 << 20);

  constructor({ network, random }: Work) {
    this.#network = network;
    this.#random = random;
    for (let index = 0; index < this.#noise.words.length; index++) this.#noise.words[index] = random.next();
    const ports = [443, 443, 443, 5432, 6379, 3306, 9092, 22, 25, 5671];
    for (let index = 0; index < 200; index++) {
      const port = random.pick(ports);
      const client = address(10, 9, index >>> 8, index & 255);
      const peer = address(10, 0, 1, random.below(200));
      const flow = {
        client: new Endpoint(client, 33_000 + index, peer, port, random),
        server: new Endpoint(peer, port, client, 33_000 + index, random),
      };
      network.send(flow.client, flow.server, syn);
      network.send(flow.server, flow.client, syn | ack);
      network.send(flow.client, flow.server, ack);
      this.#flows.push(flow);
    }
  }

  /** Adds some packets and returns how many. */
  burst(): number {
    const random = this.#random;
    const kind = random.below(100);
    if (kind < 40) {
      // Two full segments and their acknowledgment.
      const [from, to] = this.#ends();
      for (let index = 0; index < 2; index++)
        this.#network.send(from, to, ack, this.#noise, this.#offset(maxSegmentBytes), maxSegmentBytes);
      this.#network.send(to, from, ack);
      return 3;
    }
    if (kind < 70) {
      // A query and its answer.
      const [from, to] = this.#ends();
      const length = random.between(20, 900);
      this.#network.send(from, to, ack, this.#noise, this.#offset(length), length);
      this.#network.send(to, from, ack, this.#noise, this.#offset(length), random.between(20, length));
      return 2;
    }
    const client = address(10, 9, 1, random.below(250));
    const port = 40_000 + random.below(2000);
    if (kind < 90) {
      // QUIC.
      for (let index = 0; index < 3; index++)
        this.#network.datagram(address(10, 0, 2, 1), 443, client, port, this.#noise, this.#offset(1252), 1252);
      return 3;
    }
    // DNS.
    const resolver = address(10, 0, 0, 53);
    this.#network.datagram(client, port, resolver, 53, this.#noise, this.#offset(48), random.between(28, 48));
    this.#network.datagram(resolver, 53, client, port, this.#noise, this.#offset(300), random.between(60, 300));
    return 2;
  }

  #ends(): [Endpoint, Endpoint] {
    const { client, server } = this.#flows[this.#random.below(this.#flows.length)] as {
      client: Endpoint;
      server: Endpoint;
    };
    return this.#random.chance(0.25) ? [client, server] : [server, client];
  }

  #offset(length: number): number {
    return this.#random.below((this.#noise.bytes.length - length) >>> 2) << 2;
  }
}

/** Keeps `width` conversations going, picking at random whose turn it is, until `count` of them have ended. */
function interleave(
  random: Random,
  width: number,
  count: number,
  start: (slot: number, index: number) => Conversation,
  between?: () => void,
): void {
  let started = 0;
  const active: { slot: number; conversation: Conversation }[] = [];
  while (started < Math.min(width, count)) active.push({ slot: started, conversation: start(started, started++) });
  while (active.length > 0) {
    const turn = random.below(active.length);
    const entry = active[turn] as (typeof active)[number];
    between?.();
    if (entry.conversation.step()) continue;
    if (started < count) entry.conversation = start(entry.slot, started++);
    else active.splice(turn, 1);
  }
}

/** A new connection to the server; no two have the same ends. */
function converse(work: Work, script: Script, index: number): Conversation {
  const { network, random, tally } = work;
  const client = address(10, 1, 0, 1) + (index % 251);
  const port = 10_000 + (Math.floor(index / 251) % 50_000);
  const from = new Endpoint(client, port, server, httpPort, random);
  const to = new Endpoint(server, httpPort, client, port, random);
  return new Conversation(network, from, to, script, random, tally);
}

function scaled(count: number, scale: number): number {
  return Math.max(2, Math.round(count * scale));
}

function shuffle<T>(random: Random, items: T[]): void {
  for (let index = items.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [items[index], items[other]] = [items[other] as T, items[index] as T];
  }
}

function address(a: number, b: number, c: number, d: number): number {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
