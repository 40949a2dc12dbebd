import type { JsonValue } from "../policy/json.ts";

/** The management API said no. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The status. */
  readonly status: number;
  /** Why, in the broker's words. */
  readonly reason: string;

  constructor(status: number, reason: string) {
    super(`${status} ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

/** Nobody answered. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** It did not answer in time. */
export class TimedOutError extends UnreachableError {}

/** Where a management API is, and who asks it. */
export interface ManagementAddress {
  /** Such as `http://127.0.0.1:15672`, without a slash at the end. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Who may have signed its certificate, in PEM, besides those whom the machine trusts. */
  readonly ca?: string;
  /** How long the next answer may take, in milliseconds. Default: as long as it takes. */
  timeLeft?(): number;
}

/** What a timer takes at most, in milliseconds; more is as good as no limit. */
const TIMER_MAX = 0x7fff_ffff;

/** What a list consists of. */
export type Row = Readonly<Record<string, JsonValue>>;

/** Asks the management API of a broker that runs. */
export class ManagementClient {
  /** Where it is. */
  readonly url: string;
  readonly #authorization: string;
  readonly #client: Deno.HttpClient | undefined;
  readonly #timeLeft: () => number;

  constructor({ url, user, password, ca, timeLeft }: ManagementAddress) {
    this.url = url;
    this.#timeLeft = timeLeft ?? (() => Infinity);
    this.#client = ca === undefined ? undefined : Deno.createHttpClient({ caCerts: [ca] });
    const bytes = new TextEncoder().encode(`${user}:${password}`);
    this.#authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  }

  /**
   * Asks for something.
   *
   * @param path Below `/api/`, each part by itself: they may contain slashes.
   * @throws {ApiError} When it is not to be had.
   * @throws {UnreachableError} When nobody answers: a {@linkcode TimedOutError} when not in time.
   */
  async get<Answer = Row>(path: readonly string[], query = ""): Promise<Answer> {
    return this.#read<Answer>(await this.#ask("GET", path, { query }));
  }

  /** Asks for something that may not be there; undefined then. */
  async find<Answer = Row>(path: readonly string[], query = ""): Promise<Answer | undefined> {
    try {
      return await this.get<Answer>(path, query);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Sets something. */
  async put(
    path: readonly string[],
    body: JsonValue,
    options: { readonly query?: string } = {},
  ): Promise<void> {
    await this.#ask("PUT", path, { ...options, body });
  }

  /** Does something; gives what was answered, undefined when that is nothing. */
  async post<Answer = Row>(
    path: readonly string[],
    body: JsonValue,
    options: { readonly query?: string } = {},
  ): Promise<Answer | undefined> {
    const text = await this.#ask("POST", path, { ...options, body });
    return text === "" ? undefined : this.#read<Answer>(text);
  }

  /** Deletes something. */
  async delete(
    path: readonly string[],
    options: { readonly query?: string; readonly reason?: string } = {},
  ): Promise<void> {
    await this.#ask("DELETE", path, options);
  }

  /** Another program may listen there, or a proxy that has something to say itself. */
  #read<Answer>(text: string): Answer {
    let value: Answer | null;
    try {
      value = JSON.parse(text) as Answer | null;
    } catch {
      value = null;
    }
    if (value !== null) return value;
    throw new UnreachableError(`what answers at ${this.url} is no management API`);
  }

  async #ask(
    method: string,
    path: readonly string[],
    { query = "", body, reason }: {
      readonly query?: string;
      readonly body?: JsonValue;
      readonly reason?: string;
    },
  ): Promise<string> {
    // the runtime would leave them out, and the part before them: another thing would be asked for
    const dots = path.find((part) => part === "." || part === "..");
    if (dots !== undefined) throw new ApiError(400, `a path of HTTP cannot name '${dots}'`);
    const url = `${this.url}/api/${path.map(encodeURIComponent).join("/")}${query && `?${query}`}`;
    let response: Response;
    let text: string;
    const timeLeft = this.#timeLeft();
    const late = new AbortController();
    const timer = timeLeft > TIMER_MAX
      ? undefined
      : setTimeout(() => late.abort(), Math.max(0, timeLeft));
    try {
      response = await fetch(url, {
        method,
        headers: {
          authorization: this.#authorization,
          ...body === undefined ? {} : { "content-type": "application/json" },
          ...reason === undefined ? {} : { "x-reason": headerText(reason) },
        },
        ...body === undefined ? {} : { body: JSON.stringify(body) },
        ...this.#client === undefined ? {} : { client: this.#client },
        signal: late.signal,
      });
      text = await response.text();
    } catch (cause) {
      if (late.signal.aborted) throw new TimedOutError(`no answer from ${this.url} in time`);
      throw new UnreachableError(`cannot reach ${this.url}: ${whyOf(cause)}`, { cause });
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return text;
    throw new ApiError(response.status, reasonOf(text) ?? response.statusText);
  }
}

/** A header takes one line of Latin-1. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\xff]/g, "?");
}

function whyOf(cause: unknown): string {
  // the runtime says what went wrong one step further down
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const text = inner instanceof Error ? inner.message : `${inner}`;
  const problem = /invalid peer certificate: ([^;\n]+)/.exec(text)?.[1];
  if (problem === "UnknownIssuer") return "its certificate is signed by nobody who is trusted";
  if (problem !== undefined) return `its certificate is not believed: ${problem}`;
  return /connection refused/i.test(text) ? "nobody listens there" : text;
}

function reasonOf(text: string): string | undefined {
  try {
    const { reason } = JSON.parse(text) as { readonly reason?: JsonValue };
    if (typeof reason === "string") return reason.trimEnd();
    return reason === undefined ? undefined : JSON.stringify(reason);
  } catch {
    return undefined; // it is not from the API: a proxy, or another program
  }
}
