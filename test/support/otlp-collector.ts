/** A collector of OpenTelemetry's data that keeps what it gets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** OTLP as JSON (opentelemetry-proto), as far as it is looked at here. */
export interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string };
}
interface Resource {
  attributes: Attribute[];
}
interface Span {
  traceId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code: number };
}
interface DataPoint {
  attributes: Attribute[];
  count: number;
  sum: number;
  bucketCounts: number[];
  explicitBounds: number[];
}
interface Metric {
  name: string;
  unit: string;
  histogram: { dataPoints: DataPoint[] };
}
interface Export {
  resourceSpans?: { resource: Resource; scopeSpans: { spans: Span[] }[] }[];
  resourceMetrics?: { resource: Resource; scopeMetrics: { metrics: Metric[] }[] }[];
}

export class Collector {
  readonly spans: Span[] = [];
  readonly metrics: Metric[] = [];
  readonly services = new Set<unknown>();
  readonly env: Record<string, string>;

  constructor(port: number) {
    this.env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_SERVICE_NAME: 'payments' };
  }

  /** With `slow` it answers the first export only when the second one is there. */
  static async start(t: TestContext, { status = 200, slow = false } = {}): Promise<Collector> {
    let waiting: (() => void)[] | undefined = slow ? [] : undefined;
    const http = createServer(async (incoming, outgoing) => {
      collector.take(incoming.url as string, (await json(incoming)) as Export);
      const answer = () => void outgoing.writeHead(status, { 'Content-Type': 'application/json' }).end('{}');
      if (!waiting) return answer();
      waiting.push(answer);
      if (waiting.length < 2) return;
      for (const one of waiting) one();
      waiting = undefined;
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    t.after(() => {
      http.closeAllConnections();
      http.close();
    });
    const collector = new Collector((http.address() as AddressInfo).port);
    return collector;
  }

  take(url: string, { resourceSpans = [], resourceMetrics = [] }: Export): void {
    assert.equal(url, resourceSpans.length > 0 ? '/v1/traces' : '/v1/metrics');
    for (const { resource, scopeSpans } of resourceSpans) {
      this.services.add(valuesOf(resource.attributes)['service.name']);
      this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
    }
    for (const { resource, scopeMetrics } of resourceMetrics) {
      this.services.add(valuesOf(resource.attributes)['service.name']);
      this.metrics.push(...scopeMetrics.flatMap(({ metrics }) => metrics));
    }
  }

  /** All that it got of the one histogram: the last export has the totals. */
  get duration(): Metric {
    const last = this.metrics.at(-1);
    assert.ok(last);
    return last;
  }
}

export function valuesOf(attributes: Attribute[]): Record<string, string | number | undefined> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.intValue === undefined ? value.stringValue : Number(value.intValue),
    ]),
  );
}
