/** What was written so far. */
export interface FlowFileTotals {
  /** Directions with bytes. */
  flows: number;
  bytes: number;
  /** Bytes that are missing. */
  missingBytes: number;
  /** Bytes beyond `maxFileBytes`. */
  cutBytes: number;
  bodies: number;
  /** Files that could not be written, or not to their end. */
  failed: number;
  /** Folders that were begun; several with `rotate`. */
  folders: number;
}

export function noTotals(): FlowFileTotals {
  return { flows: 0, bytes: 0, missingBytes: 0, cutBytes: 0, bodies: 0, failed: 0, folders: 0 };
}
