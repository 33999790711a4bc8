/** A report that is given up when it cannot be written. */
import { DfxmlReport, type ReportOptions, type ReportTotals } from './dfxml-report.js';
import type { FlowFile } from './flow-file.js';

export class FlowReport {
  readonly #path: string;
  readonly #onFailure: (path: string, error: unknown) => void;
  #report: DfxmlReport | undefined;

  /** @throws what the system says; `EEXIST` */
  constructor(path: string, options: ReportOptions, onFailure: (path: string, error: unknown) => void) {
    this.#path = path;
    this.#onFailure = onFailure;
    this.#report = new DfxmlReport(path, options);
    this.#report.flush();
  }

  /** @param nameOf path of a file as the reader of the report finds it */
  add(file: FlowFile, nameOf: (name: string) => string): void {
    this.#use((report) => report.add(file, nameOf));
  }

  flush(): void {
    this.#use((report) => report.flush());
  }

  end(totals: ReportTotals): void {
    this.#use((report) => report.end(totals));
    this.#report = undefined;
  }

  #use(use: (report: DfxmlReport) => void): void {
    if (this.#report === undefined) return;
    try {
      use(this.#report);
    } catch (error) {
      this.#report = undefined;
      this.#onFailure(this.#path, error);
    }
  }
}
