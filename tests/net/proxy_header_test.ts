import { assert, assertEquals } from "@std/assert";
import { type ProxyHeader, readProxyHeader } from "../../broker/net/proxy_header.ts";
import { forSeeds } from "../amqp/random_values.ts";

const SIGNATURE = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10];

function text(line: string): Uint8Array {
  return new TextEncoder().encode(line);
}

/** A header of version 2 around addresses and fields. */
function binary(
  parts: { command?: number; family?: number; addresses?: number[]; fields?: number[] },
): Uint8Array {
  const { command = 0x21, family = 0x11, addresses = TCP4, fields = [] } = parts;
  const size = addresses.length + fields.length;
  return Uint8Array.from([
    ...SIGNATURE,
    command,
    family,
    size >> 8,
    size & 0xff,
    ...addresses,
    ...fields,
  ]);
}

const TCP4 = [203, 0, 113, 7, 192, 0, 2, 1, 0xc8, 0x22, 0x16, 0x28];
const TCP6 = [
  ...[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
  ...[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0xc8, 0x22, 0x16, 0x28],
];
const ENDS4 = {
  source: { hostname: "203.0.113.7", port: 51234 },
  destination: { hostname: "192.0.2.1", port: 5672 },
};
const ENDS6 = {
  source: { hostname: "2001:db8::7", port: 51234 },
  destination: { hostname: "2001:db8::1", port: 5672 },
};
/** An ALPN field, a unique id, and one that does nothing. */
const FIELDS = [1, 0, 2, 0x68, 0x32, 5, 0, 3, 1, 2, 3, 4, 0, 0];
/** The type of the field that is a checksum. */
const CHECKSUM = 0x03;

const good: readonly (readonly [string, Uint8Array, typeof ENDS4 | undefined])[] = [
  ["TCP4", text("PROXY TCP4 203.0.113.7 192.0.2.1 51234 5672\r\n"), ENDS4],
  ["TCP6", text("PROXY TCP6 2001:db8::7 2001:DB8:0:0::1 51234 5672\r\n"), ENDS6],
  ["UNKNOWN", text("PROXY UNKNOWN\r\n"), undefined],
  [
    "the longest line there is",
    text(`PROXY UNKNOWN ${Array(3).fill("ffff:".repeat(7) + "ffff").join(" ").slice(0, 91)}\r\n`),
    undefined,
  ],
  ["version 2 over IPv4", binary({}), ENDS4],
  ["version 2 over IPv6", binary({ family: 0x21, addresses: TCP6 }), ENDS6],
  ["version 2 with fields", binary({ fields: FIELDS }), ENDS4],
  ["version 2, LOCAL", binary({ command: 0x20, family: 0, addresses: [] }), undefined],
  ["version 2, LOCAL with anything", binary({ command: 0x20, family: 0x99 }), undefined],
  ["version 2 of no family", binary({ family: 0, addresses: [], fields: FIELDS }), undefined],
  ["version 2 over UDP", binary({ family: 0x12 }), undefined],
  [
    "version 2 of a socket file",
    binary({ family: 0x31, addresses: Array(216).fill(0) }),
    undefined,
  ],
  [
    "version 2 as long as can be",
    binary({ fields: [4, 0xff, 0xf0, ...Array(0xfff0).fill(0)] }),
    ENDS4,
  ],
];

for (const [what, bytes, ends] of good) {
  Deno.test(`readProxyHeader() reads ${what}, torn anywhere and with more behind`, () => {
    const step = Math.max(1, bytes.length >> 8);
    for (let length = 0; length < bytes.length; length += step) {
      assertEquals(readProxyHeader(bytes.subarray(0, length)), { kind: "part" });
    }
    const whole: ProxyHeader = { kind: "whole", size: bytes.length, ends };
    assertEquals(readProxyHeader(bytes), whole);
    assertEquals(readProxyHeader(Uint8Array.from([...bytes, 0x41, 0x4d, 13, 10])), whole);
  });
}

const bad: readonly (readonly [string, Uint8Array])[] = [
  ["AMQP", text("AMQP\0\0\x09\x01")],
  ["HTTP", text("GET / HTTP/1.1\r\n")],
  ["small letters", text("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["no family", text("PROXY \r\n")],
  ["another family", text("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["UNKNOWN run together", text("PROXY UNKNOWNx\r\n")],
  ["two spaces", text("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n")],
  ["a space at the end", text("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n")],
  ["IPv6 as TCP4", text("PROXY TCP4 ::1 ::1 1 2\r\n")],
  ["IPv4 as TCP6", text("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["a port too large", text("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n")],
  ["a port with a zero in front", text("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n")],
  ["a port with a sign", text("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n")],
  ["a port missing", text("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n")],
  ["octal", text("PROXY TCP4 010.2.3.4 1.2.3.4 1 2\r\n")],
  ["a lone carriage return", text("PROXY UNKNOWN\rx")],
  ["a lone line feed", text(`PROXY UNKNOWN\n${"x".repeat(107)}`)],
  ["a line of 108 bytes", text(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`)],
  ["a line without end", text(`PROXY UNKNOWN ${"x".repeat(93)}`)],
  ["version 1 in the binary form", binary({ command: 0x11 })],
  ["a command that is not known", binary({ command: 0x22 })],
  ["a family that is not known", binary({ family: 0x41 })],
  ["a protocol that is not known", binary({ family: 0x13 })],
  ["too little for its addresses", binary({ addresses: TCP4.slice(1) })],
  ["fields that are torn", binary({ fields: [1, 0, 3, 1, 2] })],
  ["half a field", binary({ fields: [1, 0] })],
  ["a checksum of three bytes", binary({ fields: [CHECKSUM, 0, 3, 1, 2, 3] })],
];

for (const [what, bytes] of bad) {
  Deno.test(`readProxyHeader() refuses ${what}`, () => {
    assertEquals(readProxyHeader(bytes).kind, "invalid");
    // once refused, nothing that follows makes it good
    const first = Array.from(bytes, (_, at) => at + 1)
      .find((length) => readProxyHeader(bytes.subarray(0, length)).kind === "invalid");
    assertEquals(readProxyHeader(Uint8Array.from([...bytes, 13, 10])).kind, "invalid");
    assert(first !== undefined && first <= bytes.length);
  });
}

Deno.test("readProxyHeader() checks the checksum when there is one", () => {
  const header = binary({ fields: [...FIELDS, CHECKSUM, 0, 4, 0, 0, 0, 0] });
  assertEquals(readProxyHeader(header), {
    kind: "invalid",
    reason: "the checksum of its PROXY header is wrong",
  });
  header.set(crc32cByTable(header), header.length - 4);
  assertEquals(readProxyHeader(header), { kind: "whole", size: header.length, ends: ENDS4 });
  header[20]! ^= 1;
  assertEquals(readProxyHeader(header).kind, "invalid");
});

Deno.test("readProxyHeader() takes one checksum, since each costs a walk through the header", () => {
  // a field of four zeros in place of a checksum, which the other one counts as any field
  const header = binary({ fields: [CHECKSUM, 0, 4, 0, 0, 0, 0, CHECKSUM, 0, 4, 0, 0, 0, 0] });
  header.set(crc32cByTable(header), header.length - 11);
  assertEquals(readProxyHeader(header), {
    kind: "invalid",
    reason: "the checksum of its PROXY header is malformed",
  });
});

Deno.test("readProxyHeader() never throws, and never takes more than came", () => {
  const seeds = [...good.map(([, bytes]) => bytes).filter(({ length }) => length < 300), text("")];
  forSeeds(3000, (random) => {
    const bytes = Uint8Array.from(seeds[random.below(seeds.length)]!);
    for (let count = random.below(4); count > 0 && bytes.length > 0; count--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    const tail = Uint8Array.from({ length: random.below(120) }, () => random.below(256));
    const stream = Uint8Array.from([...bytes, ...tail]);
    let before: ProxyHeader = { kind: "part" };
    for (let length = 0; length <= stream.length; length++) {
      const header = readProxyHeader(stream.subarray(0, length));
      if (header.kind === "whole") assert(header.size <= length);
      // what is decided stays decided, however the rest is cut
      if (before.kind !== "part") assertEquals(header, before);
      before = header;
    }
  });
});

/** CRC-32C by the usual table: another way than the one that is tested. */
function crc32cByTable(bytes: Uint8Array): Uint8Array {
  const table = Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? value >>> 1 ^ 0x82f63b78 : value >>> 1;
    return value;
  });
  const crc = bytes.reduce((sum, octet) => sum >>> 8 ^ table[(sum ^ octet) & 0xff]!, 0xffff_ffff);
  const result = new Uint8Array(4);
  new DataView(result.buffer).setUint32(0, ~crc >>> 0);
  return result;
}
