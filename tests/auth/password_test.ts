import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { HashKinds } from "../../broker/auth/hash_kinds.ts";
import {
  hashForNothing,
  hashKindOf,
  hashPassword,
  hashPasswordSync,
  isSlow,
  newHashKind,
  type PasswordHash,
  problemOfHash,
  PublicPassword,
  verifyPassword,
} from "../../broker/auth/password.ts";
import { VerifiedLogins } from "../../broker/auth/verified_logins.ts";

/** Hashes of the password `secret`: salt 0, 1, 2, 3. */
const KNOWN: readonly PasswordHash[] = [
  {
    algorithm: "rabbit_password_hashing_sha256",
    hash: "AAECAygv0e1JvWmb/yuFkkS4o6/ym7l2VIDl94ohKiVGBwMk",
  },
  {
    algorithm: "rabbit_password_hashing_sha512",
    hash:
      "AAECA8E8qImwAohm2g9WqocOEsJQ6Q7SrRSRHK6hksny7uc+EvAjwG3+nOoYWG6Cefh+jrPW7+if4xBGwl07HeWQl0w=",
  },
  { algorithm: "rabbit_password_hashing_md5", hash: "AAECA9drPwJybJWdQ4E2lw0vaUU=" },
  // RFC 7914 with parameters that are quick: made by another implementation
  {
    algorithm: "scrypt",
    hash: "16$8$1$AAECAwQFBgcICQoLDA0ODw==$FBYrbyejpsRMOOxNjJ4WhxLlIIkIxp/izmMfHJ7w9YU=",
  },
];

for (const kept of KNOWN) {
  Deno.test(`a password is verified by a hash of ${kept.algorithm} that others made`, async () => {
    assertEquals(problemOfHash(kept), undefined);
    assertEquals(await verifyPassword("secret", kept), true);
    for (const wrong of ["Secret", "secret ", "", "secre", "geheim"]) {
      assertEquals(await verifyPassword(wrong, kept), false, wrong);
    }
  });
}

for (const hashing of ["scrypt", "rabbitmq-sha256", "rabbitmq-sha512"] as const) {
  Deno.test(`a password hashed with ${hashing} is found again, and salted`, async () => {
    const password = "pässwörd\u0000 with everything 🐰";
    const [one, other] = [
      await hashPassword(password, hashing),
      hashPasswordSync(password, hashing),
    ];
    assertNotEquals(one.hash, other.hash);
    for (const kept of [one, other]) {
      assertEquals(problemOfHash(kept), undefined);
      assertEquals(await verifyPassword(password, kept), true);
      assertEquals(await verifyPassword(`${password}.`, kept), false);
      assertEquals(kept.hash.includes("everything"), false);
      assertEquals(isSlow(kept), hashing === "scrypt");
    }
  });
}

Deno.test("hashes that take equally long are of one kind, whatever their salts", () => {
  const [sha256, , md5, quick] = KNOWN;
  const ours = (fill: number) =>
    `32768$8$3$${btoa(String.fromCharCode(...new Uint8Array(16).fill(fill)))}$` +
    btoa(String.fromCharCode(...new Uint8Array(32).fill(fill)));
  const [one, other] = [1, 2].map((fill) =>
    hashKindOf({ algorithm: "scrypt", hash: ours(fill) })!.name
  );
  assertEquals(one, other);
  assertEquals(one, newHashKind("scrypt").name);
  assertEquals(hashKindOf(sha256!), newHashKind("rabbitmq-sha256"));
  assertNotEquals(hashKindOf(md5!), hashKindOf(sha256!));
  assertNotEquals(hashKindOf(quick!)!.name, one);
  assertEquals(hashKindOf({ algorithm: "scrypt", hash: "" }), undefined);
  assertEquals(hashKindOf(new PublicPassword("guest")), undefined);
});

Deno.test("HashKinds forgets a kind with the last hash of it", () => {
  const [sha256, , md5] = KNOWN;
  const kinds = new HashKinds();
  const slow = () => kinds.others("rabbitmq-sha256", undefined).slow;
  kinds.add(sha256);
  kinds.add(md5);
  kinds.add(KNOWN[3]);
  kinds.add(KNOWN[3]);
  assertEquals(slow(), true);
  assertEquals(kinds.others("rabbitmq-sha256", KNOWN[3]).slow, false, "it was looked at");
  assertEquals(kinds.others("scrypt", KNOWN[3]).slow, true, "new ones cost more");
  kinds.remove(KNOWN[3]);
  assertEquals(slow(), true);
  kinds.remove(KNOWN[3]);
  assertEquals(slow(), false);
});

Deno.test("a hash that could not be used is found before it is kept", async () => {
  const [sha256] = KNOWN;
  const wrong: readonly (readonly [kept: PasswordHash, problem: string])[] = [
    [{ ...sha256!, algorithm: "plain" }, "unknown hashing algorithm 'plain'"],
    [{ ...sha256!, hash: "*" }, "password hash is not base64"],
    [{ ...sha256!, hash: "AAAA" }, "password hash has 3 bytes instead of 36"],
    ...["", "16$8$1", "15$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAA==", "0$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAA=="]
      .map((hash) =>
        [{ algorithm: "scrypt", hash }, "password hash is not one of scrypt"] as const
      ),
    // it would take all memory, or for ever
    [
      { algorithm: "scrypt", hash: "1073741824$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAA==" },
      "password hash is not one of scrypt",
    ],
    [
      { algorithm: "scrypt", hash: "16384$8$1000000$AAAA$AAAAAAAAAAAAAAAAAAAAAA==" },
      "password hash is not one of scrypt",
    ],
  ];
  for (const [kept, problem] of wrong) {
    assertEquals(problemOfHash(kept), problem);
    assertEquals(await verifyPassword("secret", kept), false);
  }
});

Deno.test("VerifiedLogins knows what was added, by the very hash", () => {
  const verified = new VerifiedLogins();
  const [kept] = KNOWN;
  assertEquals(verified.has(kept!, "secret"), false);
  verified.add(kept!, "secret");
  assertEquals(verified.has(kept!, "secret"), true);
  assertEquals(verified.has(kept!, "other"), false);
  assertEquals(verified.has({ ...kept! }, "secret"), false);
});

Deno.test("the event loop goes on while a password is hashed, and while one is compared", async () => {
  const kept = await hashPassword("secret", "scrypt");
  const slow = {
    hash: () => hashPassword("secret", "scrypt"),
    right: () => verifyPassword("secret", kept),
    wrong: () => verifyPassword("guess", kept),
    nobody: () => hashForNothing("guess", newHashKind("scrypt")),
  };
  for (const [what, work] of Object.entries(slow)) {
    // a machine that is busy with other things may let the other thread go on, and this one not
    let turns = 0;
    for (let attempt = 0; attempt < 10 && turns <= 5; attempt++) {
      let isDone = false;
      const done = work().finally(() => isDone = true);
      // a hash on this thread would be done before the first of them
      for (turns = 0; !isDone; turns++) await new Promise((resolve) => setTimeout(resolve));
      await done;
    }
    assertGreater(turns, 5, what);
  }
});
