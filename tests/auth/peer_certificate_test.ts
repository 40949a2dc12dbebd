import { X509Certificate } from "node:crypto";
import { assertEquals, assertThrows } from "@std/assert";
import { DerError } from "../../broker/amqp/der.ts";
import { PeerCertificate, readPeerCertificate } from "../../broker/auth/peer_certificate.ts";
import { certificateOctets } from "../support/certificates.ts";

// Subjects as RabbitMQ 3.10.8 writes them, by rabbit_cert_info:subject/1 on the same files.
const SUBJECTS = [
  ["ann", String.raw`CN=ann,OU=Digging,O=Burrow\, Ltd,C=GB`],
  ["bob", "CN=bob"],
  [
    "odd",
    String.raw`EMAILADDRESS=o@example.com,2.5.4.9=Lane 1,CN=odd+CN=odder,` +
    String.raw`O=\ #1 \"T\C3\BCr\" \<x\;y\>\+z\\\\,UID=o1,DC=burrow,DC=example`,
  ],
] as const;

for (const [name, subject] of SUBJECTS) {
  Deno.test(`PeerCertificate writes the subject of ${name} as RabbitMQ does`, () => {
    assertEquals(new PeerCertificate(certificateOctets(name)).subject, subject);
  });
}

Deno.test("PeerCertificate tells who signed a certificate, and when it is valid", () => {
  const { issuer, validity } = new PeerCertificate(certificateOctets("late"));
  assertEquals(issuer, "CN=Burrow CA");
  assertEquals(validity, "2020-01-01T00:00:00Z - 2021-01-01T00:00:00Z");
  // years after 2049 are written in another way
  const { validity: long } = new PeerCertificate(certificateOctets("ann"));
  assertEquals(long, "2020-01-01T00:00:00Z - 2120-01-01T00:00:00Z");
});

Deno.test("PeerCertificate tells a certificate's number as openssl prints it", () => {
  for (const name of ["ann", "bob", "odd"] as const) {
    const raw = certificateOctets(name);
    const { serialNumber } = new X509Certificate(raw);
    assertEquals(new PeerCertificate(raw).serialNumber, serialNumber.replace(/^0+/, ""));
  }
});

Deno.test("PeerCertificate names the user by the part that is asked for", () => {
  const ann = new PeerCertificate(certificateOctets("ann"));
  const odd = new PeerCertificate(certificateOctets("odd"));
  assertEquals(ann.loginName("distinguished_name"), ann.subject);
  assertEquals([ann.loginName("common_name"), odd.loginName("common_name")], ["ann", "odd,odder"]);
  assertEquals(ann.loginName({ alternativeName: "dns" }), "ann.example");
  assertEquals(ann.loginName({ alternativeName: "dns", index: 1 }), "ann2.example");
  assertEquals(ann.loginName({ alternativeName: "dns", index: 2 }), undefined);
  assertEquals(ann.loginName({ alternativeName: "email" }), "ann@example.com");
  assertEquals(ann.loginName({ alternativeName: "uri" }), "urn:ann");
  assertEquals(ann.loginName({ alternativeName: "ip" }), undefined);
  assertEquals(odd.loginName({ alternativeName: "dns" }), undefined);
  const server = new PeerCertificate(certificateOctets("server"));
  assertEquals(server.loginName({ alternativeName: "ip" }), "127.0.0.1");
  assertEquals(server.loginName({ alternativeName: "ip", index: 1 }), "::1");
});

Deno.test("a certificate that is cut off anywhere names nobody", () => {
  const whole = certificateOctets("ann");
  for (let length = 0; length < whole.length; length++) {
    const part = whole.subarray(0, length);
    assertThrows(() => new PeerCertificate(part), DerError);
    assertEquals(readPeerCertificate(part), undefined);
  }
  assertEquals(readPeerCertificate(undefined), undefined);
});

Deno.test("a certificate with any octet changed is read or names nobody, and never takes long", () => {
  const whole = certificateOctets("odd");
  for (const value of [0x00, 0x30, 0x80, 0x84, 0xff]) {
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice();
      changed[at] = value;
      const read = readPeerCertificate(changed);
      assertEquals(typeof (read?.loginName("common_name") ?? ""), "string");
    }
  }
});
