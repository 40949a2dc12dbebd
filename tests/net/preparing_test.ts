import { assertEquals } from "@std/assert";
import type { Transport } from "../../broker/amqp/transport.ts";
import { Preparing } from "../../broker/net/preparing.ts";

function from(hostname: string): Transport {
  const end = { hostname, port: 1 };
  const never = () => Promise.reject(new Error("nobody reads or writes"));
  return { read: never, write: never, close: () => {}, peer: end, local: end };
}

Deno.test("Preparing takes as many as it may, and nobody has to go", () => {
  const preparing = new Preparing(3);
  const all = ["192.0.2.1", "192.0.2.2", "192.0.2.1"].map(from);
  assertEquals(all.map((one) => preparing.add(one)), [undefined, undefined, undefined]);
  assertEquals(new Set(preparing), new Set(all));
});

Deno.test("Preparing lets the oldest of the address go that has the most", () => {
  const preparing = new Preparing(4);
  const [lonely, ...many] = ["198.51.100.7", "192.0.2.1", "192.0.2.1", "192.0.2.1"].map(from);
  for (const one of [lonely!, ...many]) preparing.add(one);
  const others = ["198.51.100.8", "198.51.100.9"].map(from);
  assertEquals(others.map((one) => preparing.add(one)), [many[0], many[1]]);
  // now each has one: the oldest of all
  assertEquals(preparing.add(from("198.51.100.10")), lonely);
  assertEquals([...preparing].length, 4);
});

Deno.test("Preparing takes a network of IPv6 for one address, and one of IPv4 however it is written", () => {
  const preparing = new Preparing(4);
  // each of them comes from an address of its own, and all of them are one source
  const many = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"].map(from);
  const lonely = from("2001:db8:0:1::1");
  for (const one of [lonely, ...many]) preparing.add(one);
  assertEquals(preparing.add(from("198.51.100.1")), many[0]);
  assertEquals(preparing.has(many[1]!), true);
  assertEquals(preparing.delete(many[1]!), true);
  assertEquals(preparing.delete(many[2]!), true);
  for (const one of ["::ffff:198.51.100.1", "::ffff:c633:6401"]) preparing.add(from(one));
  assertEquals(preparing.add(from("198.51.100.2"))?.peer.hostname, "198.51.100.1");
});

Deno.test("Preparing has room again when one is ready, and says whether it was there", () => {
  const preparing = new Preparing(1);
  const [one, other] = [from("192.0.2.1"), from("192.0.2.1")];
  preparing.add(one);
  assertEquals([preparing.delete(one), preparing.delete(one)], [true, false]);
  assertEquals(preparing.add(other), undefined);
  assertEquals(preparing.add(one), other);
  assertEquals(preparing.delete(other), false);
});
