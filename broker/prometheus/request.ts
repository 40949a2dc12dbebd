import { compilePattern } from "../pattern/pattern.ts";
import { EVERYTHING, type Wanted } from "./objects.ts";

/** What somebody asks for. */
export type Asked =
  | { readonly endpoint: "aggregated" }
  | { readonly endpoint: "per-object"; readonly wanted: Wanted }
  | { readonly endpoint: "detailed"; readonly wanted: Wanted };

/** A request that makes no sense, with what it is answered with. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
  /** HTTP's status. */
  readonly status: number;
  /** The content type of the body. */
  readonly type: string;

  constructor(status: number, body: string, type = "text/plain") {
    super(body);
    this.status = status;
    this.type = type;
  }
}

/**
 * Reads a request.
 *
 * @throws {BadRequest} 404 where nothing is, 400 when a filter makes no sense.
 */
export function readRequest(address: string): Asked {
  const { pathname, searchParams } = new URL(address);
  const [, root, registry, ...more] = pathname.replace(/\/$/, "").split("/");
  if (root !== "metrics" || more.length > 0) {
    const body = JSON.stringify({ error: "Object Not Found", reason: "Not Found" });
    throw new BadRequest(404, body, "application/json");
  }
  if (registry === undefined || registry === "default") return { endpoint: "aggregated" };
  if (registry === "per-object") return { endpoint: "per-object", wanted: EVERYTHING };
  if (registry !== "detailed") throw new BadRequest(404, "Unknown Registry");
  const families = new Set(searchParams.getAll("family"));
  const vhosts = searchParams.getAll("vhost");
  const queue = readQueueFilter(searchParams.getAll("queue"));
  return {
    endpoint: "detailed",
    wanted: {
      family: (name) => families.has(name),
      vhosts: vhosts.length === 0 ? undefined : vhosts,
      queue: (name) => queue === undefined || queue.test(name),
    },
  };
}

function readQueueFilter(texts: readonly string[]): RegExp | undefined {
  if (texts.length > 1) throw new BadRequest(400, "Only one 'queue' query parameter is allowed");
  const [text = ""] = texts;
  if (text === "") return undefined;
  try {
    return compilePattern(text);
  } catch (cause) {
    if (cause instanceof RangeError) throw new BadRequest(400, "'queue' regex too long");
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new BadRequest(400, `Invalid 'queue' regex: ${cause.message}`);
  }
}
