import type { ProbeReply, ProbeRequest } from "./probe_worker.ts";

/** How long a broker took to answer while something else went on. */
export interface ProbeReport {
  readonly answers: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** Asks a broker at short intervals whether a queue is there: the time that it takes shows each pause. */
export class Probe implements AsyncDisposable {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Begins to ask the broker on a port of 127.0.0.1. */
  static async start(port: number, intervalMs = 10): Promise<Probe> {
    const url = new URL("probe_worker.ts", import.meta.url);
    const probe = new Probe(new Worker(url, { type: "module" }));
    await probe.#ask({ port, intervalMs });
    return probe;
  }

  /** What came out since the last report. */
  async report(): Promise<ProbeReport> {
    const reply = await this.#ask("report");
    if (typeof reply === "string") throw new Error(`Cannot report: the probe says ${reply}`);
    const sorted = [...reply.answersMs].sort((a, b) => a - b);
    return {
      answers: sorted.length,
      p99Ms: sorted[Math.floor((sorted.length - 1) * 0.99)] ?? 0,
      longestMs: sorted.at(-1) ?? 0,
    };
  }

  /** Closes its connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask("close");
    this.#worker.terminate();
  }

  #ask(request: ProbeRequest): Promise<ProbeReply> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`The probe failed: ${event.message}`));
      };
      this.#worker.postMessage(request);
    });
  }
}
