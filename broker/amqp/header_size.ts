import { ByteWriter } from "./byte_writer.ts";
import { EncodeError } from "./field_value.ts";
import { type BasicProperties, encodeProperties } from "./properties.ts";

/** A frame has so many octets around its payload, and a content header so many before the properties. */
const AROUND = 8;
const BEFORE_PROPERTIES = 12;
/** All properties but the headers take less than this. */
const OTHERS_MAX = 4096;
/** A key, a type and a value that is no text take less than this. */
const ENTRY_MAX = 256 + 16;
/** A UTF-16 unit takes so many octets at most. */
const UNIT_MAX = 3;

/**
 * Checks that properties fit the one frame that they have to be in: a broker closes the connection over one
 * that is larger, whoever else is on it.
 *
 * @param frameMax What was agreed on; 0 or undefined: frames may be as large as they like.
 * @throws {EncodeError} When they do not fit.
 */
export function checkHeaderSize(properties: BasicProperties, frameMax: number | undefined): void {
  if (!frameMax || properties.headers === undefined || fitsSurely(properties, frameMax)) return;
  const writer = new ByteWriter();
  encodeProperties(writer, properties);
  const size = BEFORE_PROPERTIES + writer.length;
  if (size + AROUND <= frameMax) return;
  throw new EncodeError(
    `Cannot publish: the properties take ${size} octets, and a frame of this connection has at most ` +
      `${frameMax - AROUND}; put into the body what is so large`,
  );
}

/** True where that can be told without encoding them, as of nearly all. */
function fitsSurely({ headers }: BasicProperties, frameMax: number): boolean {
  let most = OTHERS_MAX;
  for (const key in headers) {
    const value = headers[key];
    most += ENTRY_MAX;
    if (typeof value === "string") most += UNIT_MAX * value.length;
    else if (typeof value === "object" && value !== null) return false;
    if (most > frameMax) return false;
  }
  return true;
}
