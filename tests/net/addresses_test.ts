import { assertEquals, assertThrows } from "@std/assert";
import { formatAddress, Networks, parseAddress } from "../../broker/net/addresses.ts";

const addresses: readonly (readonly [text: string, shortest: string])[] = [
  ["127.0.0.1", "127.0.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["fe80::0204:61ff:fe9d:f156", "fe80::204:61ff:fe9d:f156"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["0:0:0:0:0:ffff:0a01:0203", "10.1.2.3"],
];

for (const [text, shortest] of addresses) {
  Deno.test(`parseAddress() and formatAddress() make ${shortest} of ${text}`, () => {
    assertEquals(formatAddress(parseAddress(text)!), shortest);
  });
}

const none: readonly string[] = [
  "",
  ":",
  ":::",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "01.2.3.4",
  "1.2.3.4\n",
  " 1.2.3.4",
  "localhost",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8",
  "1::2::3",
  "12345::",
  "::g",
  "::1.2.3.4:5",
  "fe80::1%eth0",
  "[::1]",
];

for (const text of none) {
  Deno.test(`parseAddress() takes ${JSON.stringify(text)} for no address`, () => {
    assertEquals(parseAddress(text), undefined);
  });
}

const networks: readonly (readonly [network: string, inside: string[], outside: string[]])[] = [
  ["10.0.0.0/8", ["10.0.0.0", "10.255.1.2", "::ffff:10.9.9.9"], ["11.0.0.0", "::a00:1"]],
  ["192.168.4.0/22", ["192.168.7.255"], ["192.168.8.0", "192.168.3.255"]],
  ["127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "::1"]],
  ["0.0.0.0/0", ["8.8.8.8"], ["::1"]],
  ["::1", ["::1"], ["::2", "127.0.0.1"]],
  ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::1"]],
  ["::ffff:10.0.0.0/104", ["10.4.4.4"], ["11.0.0.0"]],
];

for (const [network, inside, outside] of networks) {
  Deno.test(`Networks knows what lies in ${network}`, () => {
    const one = new Networks([network]);
    assertEquals(inside.filter((address) => !one.includes(address)), []);
    assertEquals([...outside, "", "nobody"].filter((address) => one.includes(address)), []);
  });
}

Deno.test("Networks refuses what is no network", () => {
  for (
    const text of ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10/8", "x/8", "::ffff:1.2.3.4/90"]
  ) {
    assertThrows(() => new Networks([text]), TypeError, "is no IP address or network");
  }
});
