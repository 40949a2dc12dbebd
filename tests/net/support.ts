import { systemClock } from "../../broker/amqp/clock.ts";
import type { Transport } from "../../broker/amqp/transport.ts";
import {
  Listener,
  type ListenerSurroundings,
  type ListenOptions,
} from "../../broker/net/listener.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

/** Takes transports as they are accepted, one after the other. */
export class Accepted {
  readonly #transports: Transport[] = [];
  #next: ((transport: Transport) => void) | undefined;

  readonly take = (transport: Transport): void => {
    if (this.#next === undefined) this.#transports.push(transport);
    else this.#next(transport);
    this.#next = undefined;
  };

  next(): Promise<Transport> {
    const waiting = this.#transports.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve) => this.#next = resolve);
  }
}

/** A listener, what it accepts and what it logs. */
export interface Listening extends AsyncDisposable {
  readonly listener: Listener;
  readonly accepted: Accepted;
  readonly logger: RecordingLogger;
}

/** Listens on any free port of 127.0.0.1, unless the options say otherwise. */
export async function listen(
  options: ListenOptions = { port: 0 },
  surroundings: Partial<ListenerSurroundings> = {},
): Promise<Listening> {
  const accepted = new Accepted();
  const logger = new RecordingLogger();
  const listener = await Listener.open(options, {
    admit: () => () => {},
    onTransport: accepted.take,
    openingMax: 1000,
    timeoutMs: 10_000,
    clock: systemClock,
    logger,
    ...surroundings,
  });
  return {
    listener,
    accepted,
    logger,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await listener.settled();
    },
  };
}

/** Reads until the stream ends, or so many bytes have come. */
export async function readAll(transport: Transport, count = Infinity): Promise<Uint8Array> {
  const bytes: number[] = [];
  const into = new Uint8Array(1024);
  while (bytes.length < count) {
    const read = await transport.read(into);
    if (read === null) break;
    bytes.push(...into.subarray(0, read));
  }
  return Uint8Array.from(bytes);
}
