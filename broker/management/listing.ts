import { isAllDigits } from "../json_arguments.ts";
import type { JsonObject, JsonValue } from "../mod.ts";
import { compilePattern } from "../pattern/pattern.ts";
import { isObject } from "./body.ts";
import { type Columns, readColumns, valueAt } from "./columns.ts";
import type { Call } from "./context.ts";
import { badRequest, HttpError } from "./errors.ts";
import { jsonList, jsonObject } from "../http/json_stream.ts";
import { gather, Slices, sortInSlices } from "../http/slices.ts";

/** RabbitMQ's. */
const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 500;
/** A list of so many, of things without samples, is answered at once; a longer one is streamed. */
const SMALL = 200;

/** A list, and how it is told. */
export interface Listing<T> {
  /** What there is, or what finds that when it is this list's turn. */
  readonly rows: Iterable<T> | (() => Promise<Iterable<T>>);
  /** Whether it is for who is asking. Default: all. */
  readonly wanted?: (row: T) => boolean;
  /** By what it is sorted, when nobody says: asked of one after the other. Default: not at all. */
  readonly key?: (row: T) => string;
  /** The name that `name=` is compared with. Default: what is described as `name`. */
  readonly name?: (row: T) => string;
  /** Whether it is among those that are looked for. Default: all. */
  readonly found?: ((row: T) => boolean) | undefined;
  /** Gets what it takes to make objects, when it is this list's turn. */
  readonly prepare?: () => Promise<void>;
  /** Makes the object of one of them; when a field is named, only that has to be in it. */
  readonly describe: (row: T, field?: string) => JsonObject;
  /** True when one of them alone may be long. */
  readonly heavy?: boolean;
  /** False where RabbitMQ knows no pages. */
  readonly paged?: boolean;
}

/** What the parameters of a request say of pages. */
interface PageOptions {
  readonly page: number;
  readonly size: number;
  readonly matches: ((name: string) => boolean) | undefined;
}

/** Answers with one object. */
export function answer(call: Call, value: JsonObject): Response {
  const columns = readColumns(call.req.query("columns"));
  return call.json(columns === undefined ? value : columns(value));
}

/**
 * Answers with one object that has a list which may be long: what is in that is made when it is sent.
 *
 * @param value The rest of the object.
 * @param name The field of the list.
 * @param rows What is in it. Nobody looks when it is not wanted.
 * @param describe Makes the object of one of them.
 */
export async function answerLong<T>(
  call: Call,
  value: JsonObject,
  { name, rows, describe }: {
    readonly name: string;
    readonly rows: Iterable<T>;
    readonly describe: (row: T) => JsonObject;
  },
): Promise<Response> {
  const columns = readColumns(call.req.query("columns"));
  const isWanted = columns === undefined || isObject(columns({ [name]: [] }));
  if (!isWanted) return answer(call, value);
  const all = await gather(rows);
  if (all.length <= SMALL) return answer(call, { ...value, [name]: all.map(describe) });
  const part = (row: T): JsonValue => {
    if (columns === undefined) return describe(row);
    const { [name]: told } = columns({ [name]: [describe(row)] }) as JsonObject;
    return (told as readonly JsonValue[])[0]!;
  };
  const rest = columns === undefined ? value : columns(value);
  const body = jsonObject({ ...isObject(rest) ? rest : {}, [name]: mapped(all, part) });
  return call.body(body, 200, { "content-type": "application/json" });
}

function* mapped<T>(rows: readonly T[], part: (row: T) => JsonValue): Generator<JsonValue> {
  for (const row of rows) yield part(row);
}

/** True when what was counted is not to be told: a list without is shorter, and made sooner. */
export function wantsNoStats({ req }: Call): boolean {
  return req.query("disable_stats") === "true";
}

/**
 * Answers with a list: sorted, filtered, cut into pages and columns as the request says.
 *
 * Objects are made when they are sent. To sort by something in them, a part of each is made before.
 *
 * @throws {HttpError} 400 when what it says makes no sense.
 */
export async function answerList<T>(call: Call, listing: Listing<T>): Promise<Response> {
  return await inTurn(call, (onSent) => makeList(call, listing, onSent));
}

/**
 * Makes an answer that may be long when it is its user's turn: what is in it is held until it was sent.
 *
 * @param make Makes it; calls back when nothing of it is held any more.
 */
export async function inTurn(
  call: Call,
  make: (onSent: () => void) => Promise<Response>,
): Promise<Response> {
  const { lists, session: { user } } = call.var;
  const { peer } = call.env;
  const made = Promise.withResolvers<Response | undefined>();
  const work = async () => {
    const sent = Promise.withResolvers<void>();
    try {
      made.resolve(await make(sent.resolve));
    } catch (cause) {
      made.reject(cause);
      sent.resolve();
    }
    await sent.promise;
  };
  const gone = lists.isFree(user) ? undefined : peer.gone;
  void lists.take(user, work, gone).then(() => made.resolve(undefined));
  return await made.promise ?? call.json({
    error: "too_many_requests",
    reason: `user '${user}' has asked for too many lists at once`,
  }, 429);
}

/** @param onSent Called when nothing of the list is held any more. */
async function makeList<T>(
  call: Call,
  listing: Listing<T>,
  onSent: () => void,
): Promise<Response> {
  const { rows, wanted, found, key, describe } = listing;
  const page = listing.paged === false ? undefined : readPage(call);
  const columns = readColumns(call.req.query("columns"));
  const all = await gather(typeof rows === "function" ? await rows() : rows, wanted);
  const named = page?.matches === undefined
    ? all
    // to match one name can take milliseconds
    : await gather(all, (row) => page.matches!(nameOf(listing, row)), 1);
  const matching = found === undefined ? named : await gather(named, found);
  await listing.prepare?.();
  const sorted = await sort(call, matching, key, describe);
  const tell = columns === undefined ? (row: T) => describe(row) : told(describe, columns);
  const { items, told: rest } = page === undefined
    ? { items: sorted, told: undefined }
    : pageOf(page, all.length, sorted);
  if (items.length > (listing.heavy === true || hasSamples(call) ? 0 : SMALL)) {
    // nobody takes, nor cancels, the body of an answer to HEAD
    if (call.req.raw.method === "HEAD") onSent();
    const body = rest === undefined
      ? jsonList(items, tell, onSent)
      : jsonObject({ ...rest, items: mapped(items, tell) }, onSent);
    return call.body(body, 200, { "content-type": "application/json" });
  }
  onSent();
  const described = items.map((row) => tell(row));
  return call.json(rest === undefined ? described : { ...rest, items: described });
}

/** What is told of a single thing takes a millisecond or more then. */
function hasSamples({ req }: Call): boolean {
  return ["msg_rates_age", "lengths_age", "data_rates_age"]
    .some((name) => req.query(name) !== undefined);
}

function nameOf<T>({ name, describe }: Listing<T>, row: T): string {
  return name === undefined ? String(describe(row, "name")["name"] ?? "") : name(row);
}

function told<T>(describe: Listing<T>["describe"], columns: Columns): (row: T) => JsonValue {
  return (row) => columns(describe(row));
}

// ---- order

async function sort<T>(
  call: Call,
  rows: readonly T[],
  key: ((row: T) => string) | undefined,
  describe: Listing<T>["describe"],
): Promise<readonly T[]> {
  const by = call.req.query("sort");
  const reverse = call.req.query("sort_reverse") === "true";
  let sorted = rows;
  if (key !== undefined) {
    const slices = new Slices();
    const keyed: { readonly row: T; readonly key: string }[] = [];
    for (const row of rows) {
      keyed.push({ row, key: key(row) });
      if (slices.over) await slices.rest();
    }
    const inOrder = await sortInSlices(keyed, (a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
    sorted = inOrder.map(({ row }) => row);
  }
  if (by !== undefined && by !== "") {
    const path = by.split(".");
    const slices = new Slices();
    const valued: { readonly row: T; readonly value: JsonValue | undefined }[] = [];
    for (const row of sorted) {
      valued.push({ row, value: valueAt(describe(row, path[0]), path) });
      if (slices.over) await slices.rest();
    }
    sorted = (await sortInSlices(valued, (a, b) => compareValues(a.value, b.value)))
      .map(({ row }) => row);
  }
  return reverse ? [...sorted].reverse() : sorted;
}

/** In Erlang's order: what is missing, numbers, words, texts. */
function compareValues(one: JsonValue | undefined, other: JsonValue | undefined): number {
  const [a, b] = [rank(one), rank(other)];
  if (a !== b) return a - b;
  const [x, y] = [comparable(one), comparable(other)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function rank(value: JsonValue | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === "number" || isAllDigits(value)) return 1;
  return typeof value === "string" ? 3 : 2;
}

/** What has the order of its kind. */
function comparable(value: JsonValue | undefined): number | bigint | string {
  if (typeof value === "number") return value;
  if (isAllDigits(value)) return BigInt(JSON.stringify(value));
  // one of all digits may be within, of which the language makes no text
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
}

// ---- pages

function readPage({ req }: Call): PageOptions | undefined {
  const text = req.query("page");
  if (text === undefined) return undefined;
  const sizeText = req.query("page_size");
  const name = req.query("name");
  const page = wholeNumber(text);
  const size = sizeText === undefined ? PAGE_SIZE : wholeNumber(sizeText);
  if (page < 1 || size < 1 || size > PAGE_SIZE_MAX) {
    throw new HttpError(
      400,
      "invalid_pagination_parameters",
      `Invalid pagination parameters: page number ${page}, page size ${sizeText ?? "undefined"}`,
    );
  }
  const matches = name === undefined || name === ""
    ? undefined
    : nameMatcher(name, req.query("use_regex") === "true");
  return { page, size, matches };
}

function wholeNumber(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw badRequest("Pagination parameters are invalid");
}

/** Letters count as the same, large or small. */
function nameMatcher(name: string, regex: boolean): (name: string) => boolean {
  if (!regex) {
    const small = name.toLowerCase();
    return (one) => one.toLowerCase().includes(small);
  }
  try {
    const pattern = compilePattern(name.startsWith("(?i)") ? name : `(?i)${name}`);
    return (one) => pattern.test(one);
  } catch {
    throw badRequest("Pagination parameters are invalid");
  }
}

function pageOf<T>(
  { page, size }: PageOptions,
  totalCount: number,
  rows: readonly T[],
): { readonly items: readonly T[]; readonly told: JsonObject } {
  const pageCount = Math.ceil(rows.length / size);
  // there is always a first one
  if (page > Math.max(1, pageCount)) {
    const reason = `Page out of range, page: ${page} page size: ${size}, len: ${rows.length}`;
    throw new HttpError(400, "page_out_of_range", reason);
  }
  const items = rows.slice((page - 1) * size, page * size);
  const told = {
    total_count: totalCount,
    item_count: items.length,
    filtered_count: rows.length,
    page,
    page_size: size,
    page_count: pageCount,
  };
  return { items, told };
}
