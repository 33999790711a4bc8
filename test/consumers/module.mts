// A consumer that is an ES module, under all strictness. Compiled, never run.
import {
  CaptureError,
  type CaptureErrorCode,
  type CaptureOptions,
  capture,
  type Exchange,
  flows,
  type Message,
  type RequestMessage,
  type ResponseMessage,
  type Tap,
} from 'flowtap';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<_Proof extends true>(): void {}

const options: CaptureOptions = { port: 8000, match: { status: ['4xx', 500] } };
const tap: Tap = capture(options);

for await (const message of tap) {
  same<Equal<typeof message, Message>>();
  if (message.kind === 'request') {
    same<Equal<typeof message, RequestMessage>>();
    const method: string = message.method;
    const header: string | null = message.headers.get('authorization');
    console.log(method, header);
  } else {
    same<Equal<typeof message, ResponseMessage>>();
    const status: number = message.status;
    console.log(status, message.request?.path);
  }
  const text: Promise<string> = message.text();
  await text;
}

for await (const exchange of capture({ file: 'x.pcap' }).exchanges()) same<Equal<typeof exchange, Exchange>>();

const paths: string[] = await capture
  .requests({ file: 'x.pcap' })
  .map((request) => request.path)
  .toArray();

for await (const event of flows({ file: 'x.pcap' }))
  if (event.kind === 'data') console.log(event.bytes.byteLength, paths);

try {
  await using other = capture();
  await other.ready;
} catch (error) {
  if (error instanceof CaptureError) {
    const code: CaptureErrorCode = error.code;
    // @ts-expect-error there is no such code
    if (code === 'ERR_NOTHING') throw error;
  }
}

// @ts-expect-error no such option
capture({ prot: 8000 });
// @ts-expect-error not a port
capture({ port: 'http' });
// @ts-expect-error messages are not changed
for await (const message of capture()) message.kind = 'request';
