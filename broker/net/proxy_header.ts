import { formatAddress, parseAddress } from "./addresses.ts";

/** "\r\n\r\n\0\r\nQUIT\n", by which version 2 begins. */
const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
/** "PROXY ", by which version 1 begins. */
const LINE_START = Uint8Array.of(0x50, 0x52, 0x4f, 0x58, 0x59, 0x20);
/** The longest line of version 1, its end included. */
const LINE_MAX = 107;
/** Signature, version and command, family, length. */
const BINARY_HEAD = 16;
/** The kind of field that holds a checksum over the whole header. */
const CRC32C = 0x03;

/** An end of the connection that the proxy has accepted. */
export interface ProxiedEnd {
  /** Its address. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
}

/** What the first bytes of a stream are. */
export type ProxyHeader =
  /** Good so far; more has to come. */
  | { readonly kind: "part" }
  /** No header, and none with whatever may come. */
  | { readonly kind: "invalid"; readonly reason: string }
  /** A header of so many bytes. Without ends it says to take those of the socket. */
  | {
    readonly kind: "whole";
    readonly size: number;
    readonly ends: { readonly source: ProxiedEnd; readonly destination: ProxiedEnd } | undefined;
  };

const PART: ProxyHeader = { kind: "part" };

/**
 * Reads the header of HAProxy's PROXY protocol, version 1 or 2, from the first bytes of a stream.
 *
 * ```text
 *   1:  "PROXY TCP4 203.0.113.7 192.0.2.1 51234 5672\r\n"      at most 107 bytes
 *       "PROXY UNKNOWN ...\r\n"
 *
 *   2:  0         12          13      14       16
 *       +---------+-----------+-------+--------+-----------+----------------------------+
 *       |signature| 2, command| family| length | addresses | fields: type, length, value|
 *       +---------+-----------+-------+--------+-----------+----------------------------+
 * ```
 *
 * It never throws, whatever the bytes are.
 *
 * @param bytes All that has come so far.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return PART;
  if (beginsLike(bytes, LINE_START)) return readLine(bytes);
  if (beginsLike(bytes, SIGNATURE)) return readBinary(bytes);
  return invalid("it does not begin with a PROXY header");
}

/** True when one of the two is the beginning of the other. */
function beginsLike(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

function readLine(bytes: Uint8Array): ProxyHeader {
  const cr = bytes.subarray(0, LINE_MAX).indexOf(13);
  if (cr < 0 || cr + 2 > LINE_MAX) {
    return bytes.length < LINE_MAX ? PART : invalid("the line of its PROXY header has no end");
  }
  if (cr + 1 === bytes.length) return PART;
  if (bytes[cr + 1] !== 10) return invalid("the line of its PROXY header has no end");
  const line = String.fromCharCode(...bytes.subarray(LINE_START.length, cr));
  const size = cr + 2;
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return { kind: "whole", size, ends: undefined };
  }
  const [family, sourceText = "", destinationText = "", from = "", to = "", ...more] = line.split(
    " ",
  );
  const source = parseAddress(sourceText);
  const destination = parseAddress(destinationText);
  const right = (family === "TCP4" || family === "TCP6") &&
    [sourceText, destinationText].every((text) => text.includes(":") === (family === "TCP6"));
  const [sourcePort, destinationPort] = [readPort(from), readPort(to)];
  if (
    !right || source === undefined || destination === undefined ||
    sourcePort === undefined || destinationPort === undefined || more.length > 0
  ) {
    return invalid("the line of its PROXY header is malformed");
  }
  const ends = {
    source: { hostname: formatAddress(source), port: sourcePort },
    destination: { hostname: formatAddress(destination), port: destinationPort },
  };
  return { kind: "whole", size, ends };
}

function readPort(text: string): number | undefined {
  const port = Number(text);
  return `${port}` === text && /^\d{1,5}$/.test(text) && port <= 0xffff ? port : undefined;
}

function readBinary(bytes: Uint8Array): ProxyHeader {
  const versionAndCommand = bytes[12];
  if (versionAndCommand === undefined) return PART;
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) {
    return invalid("its PROXY header has a version or command that is not known");
  }
  if (bytes.length < BINARY_HEAD) return PART;
  const local = versionAndCommand === 0x20;
  const family = bytes[13]!;
  const addressSize = sizeOfAddresses(family);
  const size = BINARY_HEAD + (bytes[14]! << 8 | bytes[15]!);
  if (!local && addressSize === undefined) {
    return invalid("its PROXY header has an address family that is not known");
  }
  const fieldsAt = BINARY_HEAD + (addressSize ?? 0);
  if (!local && size < fieldsAt) {
    return invalid("its PROXY header is too short for its addresses");
  }
  if (bytes.length < size) return PART;
  // LOCAL: the proxy speaks for itself, and whatever else stands there means nothing
  if (local) return { kind: "whole", size, ends: undefined };
  const wrong = checkFields(bytes.subarray(0, size), fieldsAt);
  if (wrong !== undefined) return invalid(wrong);
  return { kind: "whole", size, ends: readEnds(bytes, family) };
}

/** By address family (its high half) and protocol: undefined for what has no meaning. */
function sizeOfAddresses(family: number): number | undefined {
  const protocol = family & 0xf;
  if (family === 0) return 0;
  if (protocol !== 1 && protocol !== 2) return undefined;
  return [undefined, 12, 36, 216][family >> 4];
}

/** The two ends; none for what is not TCP, as then the socket's own are as good as any. */
function readEnds(bytes: Uint8Array, family: number) {
  if (family !== 0x11 && family !== 0x21) return undefined;
  const width = family === 0x11 ? 4 : 16;
  const end = (index: number): ProxiedEnd => {
    const at = BINARY_HEAD + index * width;
    const portAt = BINARY_HEAD + 2 * width + 2 * index;
    return {
      hostname: formatAddress(bytes.slice(at, at + width)),
      port: bytes[portAt]! << 8 | bytes[portAt + 1]!,
    };
  };
  return { source: end(0), destination: end(1) };
}

/** What is wrong with the fields behind the addresses; undefined when nothing is. */
function checkFields(header: Uint8Array, start: number): string | undefined {
  let isChecked = false;
  for (let at = start; at < header.length;) {
    if (at + 3 > header.length) return "the fields of its PROXY header are torn";
    const [type, length] = [header[at]!, header[at + 1]! << 8 | header[at + 2]!];
    const valueAt = at + 3;
    if (valueAt + length > header.length) return "the fields of its PROXY header are torn";
    if (type === CRC32C) {
      // each is a walk through all of it, and thousands have room in it
      if (length !== 4 || isChecked) return "the checksum of its PROXY header is malformed";
      isChecked = true;
      const expected = new DataView(header.buffer, header.byteOffset + valueAt, 4).getUint32(0);
      if (crc32c(header, valueAt) !== expected) return "the checksum of its PROXY header is wrong";
    }
    at = valueAt + length;
  }
  return undefined;
}

/** CRC-32C of a header in which the checksum's own four bytes count as zeros. Once a connection, so
 * bit by bit. */
function crc32c(bytes: Uint8Array, zerosAt: number): number {
  let crc = 0xffff_ffff;
  for (let at = 0; at < bytes.length; at++) {
    if (at < zerosAt || at >= zerosAt + 4) crc ^= bytes[at]!;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

function invalid(reason: string): ProxyHeader {
  return { kind: "invalid", reason };
}
