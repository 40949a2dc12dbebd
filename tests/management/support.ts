import { Broker, type BrokerOptions } from "../../mod.ts";
import { type HttpServer, manage, type ServeHttpOptions } from "../../broker/management/mod.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

/** What a request of a test says besides method and path. */
export interface Asking {
  /** The body: text as it is or comes, anything else as JSON. */
  readonly body?: unknown;
  /** `name:password`; empty for none. Default: `guest:guest`. */
  readonly user?: string;
  /** Where it comes from. Default: this machine. */
  readonly from?: string;
  /** Aborted when who asks has gone. Default: that is not known. */
  readonly gone?: AbortSignal;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body. */
  readonly text: string;
  /** The same, read as JSON; undefined when there is none. */
  // deno-lint-ignore no-explicit-any -- tests know what they asked for
  readonly body: any;
}

/** A broker with its management API, both in this process; hashes are quick ones. */
export class ManagedBroker implements AsyncDisposable {
  readonly logger = new RecordingLogger();
  readonly broker: Broker;
  readonly #management;

  constructor(options: BrokerOptions = {}) {
    this.broker = new Broker({
      passwordHashing: "rabbitmq-sha256",
      logger: this.logger,
      ...options,
    });
    this.#management = manage(this.broker, {
      logger: this.logger,
      ...options.clock === undefined ? {} : { clock: options.clock },
    });
  }

  /** Serves the API on a port as well. */
  serve(options: ServeHttpOptions): Promise<HttpServer> {
    return this.#management.serve(options);
  }

  /** Asks the API; paths begin below `/api`. */
  async ask(method: string, path: string, asking: Asking = {}): Promise<Answer> {
    const { body, user = "guest:guest", from = "127.0.0.1", gone, headers = {} } = asking;
    const request = new Request(`http://localhost:15672/api${path}`, {
      method,
      headers: {
        ...user === "" ? {} : { authorization: `Basic ${btoa(user)}` },
        ...headers,
      },
      ...body === undefined ? {} : { body: isText(body) ? body : JSON.stringify(body) },
    });
    const peer = { hostname: from, port: 40_000, gone };
    const response = await this.#management.handle(request, peer);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === "" ? undefined : JSON.parse(text),
    };
  }

  /** What is got, not read yet. */
  response(path: string): Promise<Response> {
    const headers = { authorization: `Basic ${btoa("guest:guest")}` };
    const request = new Request(`http://localhost:15672/api${path}`, { headers });
    return this.#management.handle(request, { hostname: "127.0.0.1", port: 40_000 });
  }

  /** What is got, or posted for, as it comes, piece by piece; whoever wants to know what it says reads it
   * later. */
  async pieces(path: string, posted?: unknown): Promise<Uint8Array[]> {
    const headers = { authorization: `Basic ${btoa("guest:guest")}` };
    const request = new Request(`http://localhost:15672/api${path}`, {
      headers,
      ...posted === undefined ? {} : { method: "POST", body: JSON.stringify(posted) },
    });
    const peer = { hostname: "127.0.0.1", port: 40_000 };
    const { body } = await this.#management.handle(request, peer);
    return await Array.fromAsync(body ?? []);
  }

  /** The body of what is got. */
  // deno-lint-ignore no-explicit-any -- tests know what they asked for
  async get(path: string, asking: Asking = {}): Promise<any> {
    const { status, body } = await this.ask("GET", path, asking);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Adds a user with the password `p` who may do everything in `/`. */
  async addUser(name: string, tags: string): Promise<void> {
    await this.broker.addUser(name, { password: "p", tags: tags.split(",").filter(Boolean) });
    await this.broker.setPermissions({ user: name, configure: ".*", write: ".*", read: ".*" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#management[Symbol.dispose]();
    await this.broker.close();
  }
}

function isText(body: unknown): body is string | ReadableStream {
  return typeof body === "string" || body instanceof ReadableStream;
}
