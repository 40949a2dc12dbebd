import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import {
  amqplainResponse,
  externalResponse,
  plainResponse,
  readAmqplainResponse,
  readPlainResponse,
} from "../../broker/amqp/sasl.ts";
import { wire } from "./golden.ts";

const GUEST = { username: "guest", password: "secret" };

Deno.test("plainResponse() is NUL, name, NUL, password", () => {
  assertEquals(plainResponse(GUEST), wire(0, "guest", 0, "secret"));
});

Deno.test("plainResponse() refuses a NUL and shows neither name nor password", () => {
  for (const bad of [{ ...GUEST, username: "gue\0st" }, { ...GUEST, password: "sec\0ret" }]) {
    const error = assertThrows(() => plainResponse(bad), TypeError);
    assertEquals(/gue|sec/.test(error.message), false);
  }
});

Deno.test("amqplainResponse() is a table without its length", () => {
  assertEquals(
    amqplainResponse(GUEST),
    wire(5, "LOGINS", 0, 0, 0, 5, "guest", 8, "PASSWORDS", 0, 0, 0, 6, "secret"),
  );
});

Deno.test("externalResponse() is a name or nothing", () => {
  assertEquals(externalResponse(), wire());
  assertEquals(externalResponse("é"), wire(0xc3, 0xa9));
});

Deno.test("PLAIN and AMQPLAIN carry any text without a NUL", () => {
  const users = [GUEST, { username: "", password: "" }, {
    username: "ü€",
    password: "\ufeff p\u{1f407}",
  }];
  for (const user of users) {
    assertEquals(readPlainResponse(plainResponse(user)), user);
    assertEquals(readAmqplainResponse(amqplainResponse(user)), user);
  }
});

const BAD_PLAIN: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", wire()],
  ["no NUL in front", wire("guest", 0, "secret")],
  ["an identity to act as", wire("root", 0, "guest", 0, "secret")],
  ["no password", wire(0, "guest")],
  ["three NULs", wire(0, "guest", 0, "secret", 0)],
  ["what is not UTF-8", wire(0, "guest", 0, 0xff)],
];

for (const [what, response] of BAD_PLAIN) {
  Deno.test(`readPlainResponse() gives undefined for ${what}`, () => {
    assertEquals(readPlainResponse(response), undefined);
  });
}

Deno.test("readAmqplainResponse() takes other fields, any order, and byte arrays", () => {
  const response = concat([
    wire(8, "PASSWORDx", 0, 0, 0, 6, "secret"),
    wire(5, "OTHERV", 5, "LOGINS", 0, 0, 0, 5, "guest"),
  ]);
  assertEquals(readAmqplainResponse(response), GUEST);
});

const BAD_AMQPLAIN: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", wire()],
  ["no password", wire(5, "LOGINS", 0, 0, 0, 5, "guest")],
  ["no name", wire(8, "PASSWORDS", 0, 0, 0, 6, "secret")],
  ["a name that is a number", wire(5, "LOGINI", 0, 0, 0, 5, 8, "PASSWORDS", 0, 0, 0, 1, "x")],
  ["bytes that are not UTF-8", wire(5, "LOGINx", 0, 0, 0, 1, 0xff, 8, "PASSWORDS", 0, 0, 0, 0)],
  ["fields that are cut short", amqplainResponse(GUEST).slice(0, -1)],
  ["an unknown type", wire(5, "LOGINZ")],
  ["a table with its length", wire(0, 0, 0, 12, 5, "LOGINS", 0, 0, 0, 5, "guest")],
];

for (const [what, response] of BAD_AMQPLAIN) {
  Deno.test(`readAmqplainResponse() gives undefined for ${what}`, () => {
    assertEquals(readAmqplainResponse(response), undefined);
  });
}
