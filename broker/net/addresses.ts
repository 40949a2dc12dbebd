/** IP addresses as numbers: reading, writing, and which of them lie in a network. */

/** Reads an IPv4 or IPv6 address: 4 or 16 octets; undefined for anything else. An IPv4 address that
 * is written as an IPv6 one (`::ffff:10.0.0.1`) is an IPv4 address. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const octets = parseIpv6(text);
  return octets === undefined ? undefined : withoutMapping(octets);
}

/** Writes an address of 4 or 16 octets, IPv6 in its shortest form. */
export function formatAddress(octets: Uint8Array): string {
  const address = withoutMapping(octets);
  if (address.length === 4) return address.join(".");
  const words = Array.from({ length: 8 }, (_, at) => address[2 * at]! << 8 | address[2 * at + 1]!);
  const [start, length] = longestZeros(words);
  const hex = words.map((word) => word.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1);
  // a leading zero would be octal to some
  const plain = parts.every((part) => `${Number(part)}` === part && Number(part) <= 255);
  return plain ? Uint8Array.from(parts, Number) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map(parseGroups);
  if (front === undefined || (halves.length === 2 && back === undefined)) return undefined;
  const missing = 16 - front.length - (back?.length ?? 0);
  if (back === undefined ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...front, ...Array<number>(missing).fill(0), ...back ?? []]);
}

/** The octets of one half of an IPv6 address; its last group may be an IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const octets: number[] = [];
  const groups = text.split(":");
  for (const [at, group] of groups.entries()) {
    if (/^[\da-f]{1,4}$/i.test(group)) {
      const word = parseInt(group, 16);
      octets.push(word >> 8, word & 0xff);
      continue;
    }
    const embedded = at === groups.length - 1 ? parseIpv4(group) : undefined;
    if (embedded === undefined) return undefined;
    octets.push(...embedded);
  }
  return octets;
}

function withoutMapping(octets: Uint8Array): Uint8Array {
  const mapped = octets.length === 16 && octets[10] === 0xff && octets[11] === 0xff &&
    octets.subarray(0, 10).every((octet) => octet === 0);
  return mapped ? octets.subarray(12) : octets;
}

/** Where the longest run of zeros begins, the first of equals, and its length. */
function longestZeros(words: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < words.length; start++) {
    let end = start;
    while (words[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}

/** One network: an address and how many of its bits count. */
interface Network {
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** A set of networks such as `10.0.0.0/8`, and of single addresses. */
export class Networks {
  readonly #networks: readonly Network[];

  /**
   * @param texts Addresses, with `/` and a number of bits for networks.
   * @throws {TypeError} When one of them is neither.
   */
  constructor(texts: readonly string[]) {
    this.#networks = texts.map(parseNetwork);
  }

  /** True when an address lies in one of the networks; false for what is no address. */
  includes(hostname: string): boolean {
    const address = parseAddress(hostname);
    return address !== undefined &&
      this.#networks.some((network) => lies(address, network));
  }
}

function parseNetwork(text: string): Network {
  const [, address = "", bitsText] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const octets = parseAddress(address);
  // of an IPv4 network written as IPv6 the bits count from the front of the long form
  const written = address.includes(":") ? 128 : 32;
  const bits = Number(bitsText ?? written) -
    (octets === undefined ? 0 : written - octets.length * 8);
  if (octets === undefined || bits < 0 || bits > octets.length * 8) {
    throw new TypeError(`Cannot listen: "${text}" is no IP address or network`);
  }
  return { octets, bits };
}

function lies(address: Uint8Array, { octets, bits }: Network): boolean {
  if (address.length !== octets.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== octets[at]) return false;
  const rest = bits & 7;
  return rest === 0 || (address[whole]! ^ octets[whole]!) >> (8 - rest) === 0;
}
