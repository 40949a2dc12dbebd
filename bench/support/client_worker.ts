import { TextLineStream } from "@std/streams";

/** What one turn of a client was like. */
export interface ClientFigures {
  readonly messages: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Bytes. */
  readonly allocated: number;
}

/** A program of `bench/clients/`, which waits for its turns. */
export class ClientWorker implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #name: string;

  /** Starts it; what it writes to standard error is the terminal's. */
  constructor(name: string, command: readonly string[], env: Readonly<Record<string, string>>) {
    this.#name = name;
    const [program, ...args] = command;
    this.#process = new Deno.Command(program!, {
      args,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#lines = this.#process.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
  }

  /** Has it run its load once. */
  async turn(): Promise<ClientFigures> {
    await this.#input.write(new TextEncoder().encode("\n"));
    const { value } = await this.#lines.read();
    if (value === undefined) throw new Error(`${this.#name} ended before its turn was over`);
    return JSON.parse(value);
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {}); // it may have ended
    await this.#process.status;
    await this.#lines.cancel();
  }
}
