/** Captures that do not end by themselves, and one that does, for tests of life and death. */
import { Agent, get, type ServerResponse } from 'node:http';
import { type CaptureOptions, capture, type Tap } from '../../lib/index.js';
import { pcap, toPackets } from './capture-file.js';
import { Conversation } from './conversation.js';
import { loopback, temporaryFile } from './environment.js';
import { request } from './http.js';
import { serve } from './loopback.js';
import { traffic } from './traffic.js';

export type SourceKind = 'file' | 'stream' | 'live';

export interface Running {
  tap: Tap;
  /** Messages that come before a capture that does not end goes silent. */
  messages: number;
  /** Lets go of servers and the like; the tap is the caller's to close. */
  release(): Promise<void>;
}

function make() {
  const { conversations, segments } = traffic({ seed: 91, conversations: 12, exchanges: 20, maxBodyBytes: 300 });
  return {
    bytes: pcap(toPackets(segments, { link: 'ethernet' }), { nanoseconds: true }),
    messages: conversations.reduce((sum, one) => sum + one.said.length, 0),
  };
}

let made: ReturnType<typeof make> | undefined;

/** Starts a capture that has some messages to give and then, but for a file, waits for more. */
export function start(kind: SourceKind, options: Partial<CaptureOptions> = {}): Running {
  if (kind === 'live') return startLive(options);
  made ??= make();
  const { bytes, messages } = made;
  const release = async () => {};
  if (kind === 'file') return { tap: capture({ file: temporaryFile(bytes), ...options }), messages, release };
  return { tap: capture({ stream: thenSilence(bytes), ...options }), messages, release };
}

/** Starts a capture with bodies streamed, of a download whose beginning is seen and then no more. */
export function startDownload(kind: Exclude<SourceKind, 'file'>, more: Partial<CaptureOptions> = {}): Running {
  const options: CaptureOptions = { body: 'stream', ...more };
  if (kind === 'live') return startLive(options, (outgoing) => outgoing.write('the beginning'));
  const conversation = new Conversation().handshake();
  conversation.say([request()]);
  for (const part of ['HTTP/1.1 200 OK\r\n\r\n', 'the beginning']) conversation.send(1, Buffer.from(part));
  const bytes = pcap(toPackets(conversation.segments, { link: 'ethernet' }), { nanoseconds: true });
  return { tap: capture({ stream: thenSilence(bytes), ...options }), messages: 2, release: async () => {} };
}

/** Yields the bytes and never ends. */
export async function* thenSilence(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
  await new Promise(() => {});
}

function startLive(
  options: Partial<CaptureOptions>,
  answer = (outgoing: ServerResponse): unknown => outgoing.end('endless'.repeat(100)),
): Running {
  // The port is not known yet when the capture must start: any of loopback, and what comes first is ours.
  const tap = capture({ interface: loopback, bufferBytes: 4 << 20, ...options });
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  const served = serve((_, __, outgoing) => answer(outgoing));
  let over = false;
  const calls = tap.ready.then(
    async () => {
      const { port } = await served;
      for (let i = 0; i < 20 && !over; i++)
        await new Promise<void>((resolve) => {
          get({ host: '127.0.0.1', port, path: `/${i}`, agent }, (answer) =>
            answer
              .on('error', () => {})
              .on('close', resolve)
              .resume(),
          ).on('error', () => resolve());
        });
    },
    () => {},
  );
  return {
    tap,
    messages: 40,
    async release() {
      over = true;
      agent.destroy();
      await calls;
      await (await served).close();
    },
  };
}
