// @ts-check
/**
 * Traces and latency of servers that have no instrumentation: a span for each request, in the trace that its traceparent header names, and
 * the histogram http.server.request.duration. They go by OTLP to a collector (OTEL_EXPORTER_OTLP_ENDPOINT, http://localhost:4318 by
 * default), or to standard output (OTEL_TRACES_EXPORTER=console, OTEL_METRICS_EXPORTER=console). OTEL_SERVICE_NAME names the service.
 *
 *   npm install flowtap @opentelemetry/{api@1.9,{core,resources,sdk-metrics,sdk-trace-base}@2,exporter-{metrics,trace}-otlp-http@0.223}
 */
import { parseArgs } from 'node:util';
import { DiagConsoleLogger, DiagLogLevel, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base';
import { CaptureError, capture, redact } from 'flowtap';

const { values } = parseArgs({
  options: {
    interface: { type: 'string', short: 'i' },
    port: { type: 'string', short: 'p', multiple: true },
    read: { type: 'string', short: 'r' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log('Usage: node opentelemetry.mjs [-i INTERFACE] [-p PORT]... [-r FILE]');
  process.exit();
}

const { OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER } = process.env;
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
const spans = new BatchSpanProcessor(
  OTEL_TRACES_EXPORTER === 'console' ? new ConsoleSpanExporter() : new OTLPTraceExporter(),
  { maxQueueSize: 2048 },
);
const traces = new BasicTracerProvider({ resource, spanProcessors: [spans] });
const exporter = OTEL_METRICS_EXPORTER === 'console' ? new ConsoleMetricExporter() : new OTLPMetricExporter();
const metrics = new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader({ exporter })] });

// Names and buckets are those of https://opentelemetry.io/docs/specs/semconv/http/.
const tracer = traces.getTracer('flowtap');
const duration = metrics.getMeter('flowtap').createHistogram('http.server.request.duration', {
  description: 'Duration of HTTP server requests.',
  unit: 's',
  advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
});
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);
const propagator = new W3CTraceContextPropagator();
/** @type {import('@opentelemetry/api').TextMapGetter<import('flowtap').MessageHeaders>} */
const getter = { get: (headers, name) => headers.get(name) ?? undefined, keys: (headers) => [...headers.keys()] };

try {
  const tap = capture({ interface: values.interface, port: values.port?.map(Number), file: values.read, body: 'none' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => tap.stop());
  await tap.ready;
  console.error(`Reading ${values.read ?? tap.info?.interface}`);
  let count = 0;
  for await (const exchange of tap.exchanges()) {
    record(exchange);
    // The processor drops what does not fit into its queue; a capture can wait.
    if (++count % 1024 === 0) await spans.forceFlush().catch((error) => console.error(`Spans were lost: ${error}`));
  }
  console.log(`${count} exchanges`);
} catch (error) {
  if (!(error instanceof CaptureError)) throw error;
  console.error(error.message); // It says what to do next, such as the line that permits capturing.
  process.exitCode = 1;
}
for (const provider of [traces, metrics]) {
  await provider.shutdown().catch((error) => {
    console.error(`The last of it was not exported: ${error}`);
    process.exitCode = 1;
  });
}

/** @param {import('flowtap').Exchange} exchange */
function record({ request, response, noResponse, connection, timing }) {
  const unanswered = noResponse === 'closed' || noResponse === 'reset' || noResponse === 'idle';
  if (!request || !(response || unanswered)) return; // What the capture missed is not the server's fault.
  const failed = response ? response.status >= 500 && `${response.status}` : noResponse;
  const method = methods.has(request.method) ? request.method : '_OTHER';
  const url = request.url && URL.canParse(request.url) ? new URL(request.url) : undefined;
  const attributes = {
    'http.request.method': method,
    'url.scheme': 'http',
    'network.protocol.version': request.httpVersion,
    ...(response && { 'http.response.status_code': response.status }),
    ...(failed && { 'error.type': failed }),
  };
  const span = tracer.startSpan(
    method === '_OTHER' ? 'HTTP' : method,
    {
      kind: SpanKind.SERVER,
      startTime: hrTime(request.startTime),
      attributes: {
        ...attributes,
        ...(method === '_OTHER' && { 'http.request.method_original': request.method }),
        'url.path': request.path,
        'url.query': request.query ? redact(request).query : undefined,
        'server.address': url?.hostname ?? connection.server.address,
        'server.port': Number(url?.port || connection.server.port),
        'client.address': connection.proxied?.source.address ?? connection.client.address,
        'network.peer.address': connection.client.address,
        'network.peer.port': connection.client.port,
        'user_agent.original': request.headers.get('user-agent') ?? undefined,
      },
    },
    propagator.extract(ROOT_CONTEXT, request.headers, getter),
  );
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(hrTime((response ?? request).endTime));
  if (timing.total !== null) duration.record(timing.total / 1000, attributes);
}

/**
 * @param {bigint} ns since 1970, to the nanosecond
 * @returns {import('@opentelemetry/api').HrTime}
 */
function hrTime(ns) {
  return [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
}
