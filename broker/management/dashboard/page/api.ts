/** An object of the API. */
// deno-lint-ignore no-explicit-any -- what it looks like is the API's business
export type Data = any;

const KEPT = "warren.login";

/** Why a request was not done. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A request beyond its method and path. */
export interface Asking {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** True for what has to be done although the page is left. */
  readonly keepalive?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The management API. Who is logged in is told in a header of each request, kept for this tab until it
 * is closed, and never part of an address.
 */
export class Api {
  #authorization: string | undefined = sessionStorage.getItem(KEPT) ?? undefined;
  /** Is called when the API does not know any longer who is asking. */
  onRefused: () => void = () => {};

  /** True when somebody has logged in. */
  get loggedIn(): boolean {
    return this.#authorization !== undefined;
  }

  /** @throws {ApiError} 401 when name and password are not those of a user who may manage. */
  async logIn(name: string, password: string): Promise<void> {
    const bytes = new TextEncoder().encode(`${name}:${password}`);
    const authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
    const response = await send("GET", "/whoami", authorization, {});
    if (!response.ok) throw await errorOf(response);
    this.#authorization = authorization;
    sessionStorage.setItem(KEPT, authorization);
  }

  /** Forgets who was logged in. */
  logOut(): void {
    this.#authorization = undefined;
    sessionStorage.removeItem(KEPT);
  }

  /** @throws {ApiError} When it was not done. */
  async get(path: string, signal?: AbortSignal): Promise<Data> {
    return await this.ask("GET", path, signal === undefined ? {} : { signal });
  }

  /** @throws {ApiError} When it was not done. */
  async ask(method: string, path: string, asking: Asking = {}): Promise<Data> {
    const response = await send(method, path, this.#authorization ?? "", asking);
    if (!response.ok) {
      const error = await errorOf(response);
      if (response.headers.has("www-authenticate")) this.onRefused();
      throw error;
    }
    const text = await response.text();
    return text === "" ? undefined : JSON.parse(text);
  }
}

/** A path with names in it, whatever is in those. */
export function path(parts: TemplateStringsArray, ...names: readonly string[]): string {
  return parts.reduce((made, part, index) => made + encodeURIComponent(names[index - 1]!) + part);
}

/** The name of an exchange in paths. */
export function exchangeInPath(name: string): string {
  return name === "" ? "amq.default" : name;
}

async function send(
  method: string,
  path: string,
  authorization: string,
  { body, signal, keepalive = false, headers: more = {} }: Asking,
): Promise<Response> {
  const headers = {
    ...more,
    authorization,
    ...body === undefined ? {} : { "content-type": "application/json" },
  };
  return await fetch(`api${path}`, {
    method,
    headers,
    keepalive,
    // the browser would ask by itself who this is
    credentials: "omit",
    ...body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) },
    ...signal === undefined ? {} : { signal },
  });
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  let reason = text;
  try {
    const told = JSON.parse(text);
    reason = typeof told.reason === "string" ? told.reason : JSON.stringify(told.reason);
  } catch {
    // not from the API itself
  }
  if (response.status === 401 && reason === "Not_Authorized") reason = "Name or password is wrong.";
  return new ApiError(response.status, reason || `The server answered ${response.status}.`);
}
