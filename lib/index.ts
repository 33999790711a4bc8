/// <reference lib="esnext.disposable" preserve="true" />
/** flowtap: HTTP off the wire. */
export type { Connection, Endpoint } from './batch-buffer.js';
export type { ServerSentEvent } from './body/server-sent-events.js';
export { type Capture, capture, libpcapVersion } from './capture.js';
export type { Chain } from './chain/chain.js';
export type { Flattenable } from './chain/flat-map.js';
export { decompress } from './compressed.js';
export type { NoResponseReason } from './continuations.js';
export type { DetachedMessage, DetachedRequest, DetachedResponse } from './detach.js';
export { CaptureError, type CaptureErrorCode } from './errors.js';
export type { DetachedExchange, Exchange, ExchangeJson } from './exchanges/exchange.js';
export type { ExchangeTiming } from './exchanges/timing.js';
export { type AccessLogOptions, accessLogLine } from './export/access-log.js';
export { type CurlOptions, toCurl } from './export/curl.js';
export type { Percentiles } from './export/durations.js';
export { type HarOptions, toHar } from './export/har.js';
export type {
  Har,
  HarContent,
  HarCookie,
  HarEntry,
  HarMessageAdditions,
  HarNameValue,
  HarParam,
  HarPostData,
  HarRequest,
  HarResponse,
  HarTimings,
} from './export/har-format.js';
export { HarWriter, type HarWriterOptions } from './export/har-writer.js';
export { redact } from './export/redact.js';
export type { RedactOptions } from './export/secret-names.js';
export { type Summary, type SummaryOptions, type SummaryRow, summarize } from './export/summary.js';
export type { TableOptions } from './export/summary-table.js';
export type { FlowFileOptions } from './flow-files/flow-file-options.js';
export type { FlowFileTotals } from './flow-files/flow-file-totals.js';
export { FlowFileWriter } from './flow-files/flow-file-writer.js';
export type { FlowBatch } from './flows/flow-batch.js';
export type { FlowClose, FlowData, FlowEnd, FlowEvent, FlowGap, FlowOpen, FlowsSent } from './flows/flow-event.js';
export type { DetachedFlowEvent, FlowEventJson } from './flows/flow-event-forms.js';
export type {
  FlowCloseReason,
  FlowConnection,
  FlowCounts,
  FlowDirection,
  FlowGapCause,
  LinkAddresses,
} from './flows/flow-records.js';
export type { FlowTap } from './flows/flow-tap.js';
export { flows } from './flows/flows.js';
export type { MessageHeaders, RawHeader } from './headers.js';
export type { MessageJson, RequestJson, ResponseJson } from './json.js';
export { type Explanation, explain, formatExplanation } from './match/explain.js';
export { caret, ExpressionError } from './match/expression-error.js';
export type { Match } from './match/match.js';
export type { MatchObject, TextMatch } from './match/match-object.js';
export type { MatchScope } from './match/scope.js';
export type { BodyStreamOptions, Integrity, Message, MessageEnd, RequestMessage, ResponseMessage } from './message.js';
export type { MessageBatch } from './message-batch.js';
export type { ByteStream, CaptureOptions, ReadableStreamLike } from './options.js';
export type { Rotation } from './rotation.js';
export type {
  CaptureStats,
  DecodeStats,
  DeliveryStats,
  HttpStats,
  PacketStats,
  TcpStats,
  WriteStats,
} from './stats.js';
export type { Suspicion } from './suspicion.js';
export type { ConnectionProcess } from './system/connection-process.js';
export { type InterfaceInfo, interfaces } from './system/interfaces.js';
export { type Listener, listeners } from './system/listeners.js';
export { type DroppedTo, dropPrivileges } from './system/privileges.js';
export type { ProcessInfo } from './system/process-info.js';
export type { BatchOptions, CaptureInfo, Tap } from './tap.js';
export type { WriteOptions } from './write/write-options.js';
export { type Written, writePcapng } from './write/write-pcapng.js';
