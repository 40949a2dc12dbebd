import type { ApiRequest } from "./requests.ts";

/** What one of the two answered. */
export interface Answer {
  /** The status. */
  readonly status: number;
  /** A header. */
  readonly location: string | null;
  /** Another one. */
  readonly allow: string | null;
  /** The body, read as JSON where it is that. */
  readonly body: unknown;
}

/** Asks one of the two. */
export async function ask(base: string, { method, path, body, user }: ApiRequest): Promise<Answer> {
  const credentials = user ?? "guest:guest";
  const response = await fetch(`${base}/api${path}`, {
    method,
    headers: {
      ...credentials === "" ? {} : { authorization: `Basic ${btoa(credentials)}` },
      ...body === undefined ? {} : { "content-type": "application/json" },
    },
    ...body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) },
  });
  const text = await response.text();
  return {
    status: response.status,
    location: response.headers.get("location"),
    allow: response.headers.get("allow"),
    // nodes are names of fields as well
    body: text === "" ? "" : parsed(text.replaceAll(/"(rabbit|warren)[^"]*@[^"]*"/g, '"node"')),
  };
}

/** Often enough for a request that fails one time in twenty, as on a machine with other work to do. */
const TIMES = 8;

/**
 * Asks again while the answer is 500: some requests meet an end of RabbitMQ's own connection now and then,
 * such as getting from a stream, which closes it. One that always fails is asked a few times for nothing.
 */
export async function askAgain(base: string, request: ApiRequest): Promise<Answer> {
  for (let time = 1;; time++) {
    const answer = await ask(base, request);
    if (answer.status !== 500 || time === TIMES) return answer;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
