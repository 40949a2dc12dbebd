import { TextLineStream } from "@std/streams";
import type { BrokerOptions } from "../../broker/options.ts";
import type { Figures, Question, Serving } from "./broker_program.ts";

const PROGRAM = new URL("broker_program.ts", import.meta.url).pathname;
/** Has the C library give freed buffers back to the system, instead of keeping them for the next ones: then
 * RSS tells what the broker holds, and not what it held at its busiest. */
const GIVES_BACK = { MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "1048576" };

/** What else there is to a {@linkcode BrokerChild}. */
export interface BrokerChildOptions {
  /** True when it serves the management API as well. */
  readonly management?: boolean;
  /** True when its RSS is to be compared with what it was before. */
  readonly givesBack?: boolean;
}

/** A broker in a process of its own that can be asked what it costs. */
export class BrokerChild implements AsyncDisposable {
  /** Where it is served. */
  readonly port: number;
  /** Where it is served with TLS. */
  readonly tlsPort: number;
  /** Where it is served in a WebSocket. */
  readonly webSocketPort: number;
  /** Where its management API is served; 0 unless it was asked for. */
  readonly managementPort: number;
  readonly #process: Deno.ChildProcess;
  readonly #questions: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  #asking: Promise<unknown> = Promise.resolve();

  private constructor(
    process: Deno.ChildProcess,
    answers: ReadableStreamDefaultReader<string>,
    { port, tlsPort, webSocketPort, managementPort }: Serving,
  ) {
    this.#process = process;
    this.#questions = process.stdin.getWriter();
    this.#answers = answers;
    this.port = port;
    this.tlsPort = tlsPort;
    this.webSocketPort = webSocketPort;
    this.managementPort = managementPort;
  }

  /** Starts one, and waits until it serves. */
  static async start(
    options: Partial<BrokerOptions> = {},
    { management = false, givesBack = false }: BrokerChildOptions = {},
  ): Promise<BrokerChild> {
    const more = management ? ["--management"] : [];
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--v8-flags=--expose-gc", PROGRAM, JSON.stringify(options), ...more],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      ...(givesBack ? { env: GIVES_BACK } : {}),
    }).spawn();
    const answers = process.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
    return new BrokerChild(process, answers, JSON.parse(await line(answers)));
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What it has in memory and what went wrong; garbage is collected before. */
  figures(): Promise<Figures> {
    return this.#ask({ ask: "figures" }) as Promise<Figures>;
  }

  /** Has it delete all queues and exchanges but those whose name begins so. */
  async clean(keep: string): Promise<void> {
    await this.#ask({ ask: "clean", keep });
  }

  /** Has it give guest a permission to configure; tells `set`, or why not. */
  permit(pattern: string): Promise<string> {
    return this.#ask({ ask: "permit", pattern }) as Promise<string>;
  }

  /** Ends it; fails when it had ended before, or cannot close. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#questions.close();
    const { success, code, signal } = await this.#process.status;
    await this.#answers.cancel();
    if (!success) throw new Error(`Cannot accept how the broker ended: ${signal ?? code}`);
  }

  async #ask(question: Question): Promise<unknown> {
    const answer = this.#asking.then(async () => {
      await this.#questions.write(new TextEncoder().encode(`${JSON.stringify(question)}\n`));
      return JSON.parse(await line(this.#answers));
    });
    this.#asking = answer.catch(() => {});
    return await answer;
  }
}

async function line(answers: ReadableStreamDefaultReader<string>): Promise<string> {
  const { value } = await answers.read();
  if (value === undefined) throw new Error("Cannot ask the broker: its process has ended");
  return value;
}
