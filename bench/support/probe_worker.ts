/**
 * Asks a broker for something small again and again on a connection of its own, and tells how long it
 * took to answer. A worker, so that what its parent does is not taken for the broker's pauses.
 *
 * @module
 */
import { connect } from "../../mod.ts";

declare const self: DedicatedWorkerGlobalScope;
interface DedicatedWorkerGlobalScope {
  onmessage: ((event: MessageEvent<ProbeRequest>) => void) | null;
  postMessage(message: ProbeReply): void;
}

/** What the parent says: where to ask and how often, or that it wants to know. */
export type ProbeRequest =
  | { readonly port: number; readonly intervalMs: number }
  | "report"
  | "close";

/** What it gets: that asking has begun, or what came out since the last report. */
export type ProbeReply = "started" | "closed" | { readonly answersMs: readonly number[] };

const QUEUE = "probe";

let closing = false;
let answersMs: number[] = [];
/** When the question was asked that has no answer yet. */
let askedAt: number | undefined;

self.onmessage = ({ data }) => {
  if (data === "report") report();
  else if (data === "close") closing = true;
  else start(data.port, data.intervalMs);
};

async function start(port: number, intervalMs: number): Promise<void> {
  await using connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  await channel.queueDeclare(QUEUE, { exclusive: true });
  self.postMessage("started");
  while (!closing) {
    askedAt = performance.now();
    await channel.queueDeclare(QUEUE, { passive: true });
    answersMs.push(performance.now() - askedAt);
    askedAt = undefined;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  await connection.close();
  self.postMessage("closed");
}

function report(): void {
  // a question that still waits is a pause as well
  if (askedAt !== undefined) answersMs.push(performance.now() - askedAt);
  self.postMessage({ answersMs });
  answersMs = [];
}
