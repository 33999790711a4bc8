/// <reference lib="esnext.disposable" preserve="true" />
/** flowtap: HTTP off the wire. */
export type { Connection, Endpoint } from './batch.js';
export { capture, libpcapVersion } from './capture.js';
export type { DetachedMessage, DetachedRequest, DetachedResponse } from './detach.js';
export { CaptureError, type CaptureErrorCode } from './errors.js';
export type { FlowBatch } from './flows/flow-batch.js';
export type { FlowClose, FlowData, FlowEnd, FlowEvent, FlowGap, FlowOpen } from './flows/flow-event.js';
export type { DetachedFlowEvent, FlowEventJson } from './flows/flow-event-forms.js';
export type { FlowCloseReason, FlowConnection, FlowDirection, FlowGapCause } from './flows/flow-records.js';
export type { FlowTap } from './flows/flow-tap.js';
export { flows } from './flows/flows.js';
export type { MessageHeaders, RawHeader } from './headers.js';
export type { MessageJson, RequestJson, ResponseJson } from './json.js';
export type { Integrity, Message, RequestMessage, ResponseMessage } from './message.js';
export type { MessageBatch } from './message-batch.js';
export type { ByteStream, CaptureOptions, ReadableStreamLike } from './options.js';
export type { CaptureStats, DecodeStats, DeliveryStats, HttpStats, PacketStats, TcpStats } from './stats.js';
export type { Suspicion } from './suspicion.js';
export type { CaptureInfo, Tap } from './tap.js';
