import { Slices } from "../http/slices.ts";

/** A boundary has at most so many characters (RFC 2046, 5.1.1). */
const BOUNDARY_MAX = 70;
/** The headers of a part come to no more, in bytes. */
const HEADERS_MAX = 16 * 1024;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const DASH = 45;

/**
 * Finds what a form (`multipart/form-data`, RFC 7578) has under a name. The runtime's own reader looks at
 * all of it in one go, and a file may be long: here others go on meanwhile, and nothing is copied.
 *
 * @param bytes The form.
 * @param contentType How the request describes it: there is the boundary between its parts.
 * @param name The name of the field, be it a file or a text, in ASCII.
 * @returns A view of its content; undefined when there is none, or it is no such form.
 */
export async function fieldOfForm(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  name: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return undefined;
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  const slices = new Slices();
  // the first one may be all that there is at its start
  let at = isDelimiter(bytes, delimiter.subarray(2), 0)
    ? delimiter.length - 2
    : afterOf(await find(bytes, delimiter, 0, slices), delimiter);
  while (at !== undefined) {
    // a form may be millions of parts without content, whose next delimiter is found at once
    if (slices.over) await slices.rest();
    const content = contentAt(bytes, at);
    if (content === undefined) return undefined;
    const end = await find(bytes, delimiter, content.at - 2, slices);
    if (end === undefined) return undefined;
    if (content.name === name) return bytes.subarray(content.at, Math.max(end, content.at));
    at = end + delimiter.length;
  }
  return undefined;
}

function boundaryOf(contentType: string): string | undefined {
  const found = /;\s*boundary=(?:"([^"]*)"|([^\s;"]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  return boundary === undefined || boundary === "" || boundary.length > BOUNDARY_MAX
    ? undefined
    : boundary;
}

function afterOf(at: number | undefined, { length }: Uint8Array): number | undefined {
  return at === undefined ? undefined : at + length;
}

/** Where the content of a part begins whose delimiter ends at a place, and what the part is called. Undefined
 * when it was the last delimiter, or makes no sense. */
function contentAt(
  bytes: Uint8Array,
  after: number,
): { readonly at: number; readonly name: string | undefined } | undefined {
  if (bytes[after] === DASH && bytes[after + 1] === DASH) return undefined;
  const end = endOfHeaders(bytes.subarray(after, after + HEADERS_MAX));
  // a character for each byte, so that its length is theirs
  const text = new TextDecoder("latin1").decode(bytes.subarray(after, after + end));
  // a delimiter may have blanks behind it
  const head = /^[ \t]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(text)?.[0];
  if (head === undefined) return undefined;
  return { at: after + head.length, name: nameIn(head) };
}

/** Where the first empty line ends; 0 when there is none. */
function endOfHeaders(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at + 4;
  }
  return 0;
}

function nameIn(head: string): string | undefined {
  const disposition = /^content-disposition:\s*form-data\s*(;.*)$/im.exec(head)?.[1] ?? "";
  const found = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(disposition);
  return found?.[1] ?? found?.[2];
}

/** The first place from another on where a delimiter stands. */
async function find(
  bytes: Uint8Array,
  delimiter: Uint8Array,
  from: number,
  slices: Slices,
): Promise<number | undefined> {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && isDelimiter(bytes, delimiter, at)) return at;
    if (slices.over) await slices.rest();
  }
  return undefined;
}

/** True when these bytes stand there, and are not the beginning of something longer. */
function isDelimiter(bytes: Uint8Array, delimiter: Uint8Array, at: number): boolean {
  const { length } = delimiter;
  for (let index = 0; index < length; index++) {
    if (bytes[at + index] !== delimiter[index]) return false;
  }
  const next = bytes[at + length];
  return next === CR || next === SPACE || next === TAB ||
    next === DASH && bytes[at + length + 1] === DASH;
}
