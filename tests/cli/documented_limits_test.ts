import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { BROKER_FLAGS, BROKER_USAGE } from "../../broker/cli/broker_options.ts";
import { HTTP_FLAGS, HTTP_USAGE } from "../../broker/cli/http_options.ts";
import { SAME } from "../../broker/cli/config_keys.ts";
import { ROOT } from "./program.ts";

/**
 * The limits of the ports of AMQP in `docs/security.md` are those that there are: flags, keys of
 * `rabbitmq.conf`, defaults.
 *
 * @module
 */

/** Flags that say how much there may be of something, or how long it may take. */
const LIMIT = /max|limit|rate|burst|timeout|watermark|heartbeat/;

/** The first table below a heading, without the two lines of its head, cell by cell. */
async function tableOf(heading: string): Promise<string[][]> {
  const text = await Deno.readTextFile(new URL("docs/security.md", ROOT));
  const lines = text.split(`\n## ${heading}\n`)[1]?.split("\n") ?? [];
  const from = lines.findIndex((line) => line.startsWith("|"));
  const rows = lines.slice(from);
  return rows.slice(2, rows.findIndex((line) => !line.startsWith("|")))
    .map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
}

/** What the command says a flag is when it is not given. */
function defaultOf(flag: string, usage = BROKER_USAGE): string | undefined {
  const [, after = ""] = usage.split(new RegExp(`^  --${flag} `, "m"));
  const [help = ""] = after.split(/^ {2}--/m);
  return /\(default: ([^;,)]+)/.exec(help)?.[1]?.trim();
}

Deno.test("docs/security.md lists each limit of the ports of AMQP, with its key and its default", async () => {
  const rows = await tableOf("The ports of AMQP");
  assertGreater(rows.length, 20);
  for (const [option = "", key = "", stated, what] of rows) {
    const flag = option.replace(/^--/, "");
    const keys = Object.keys(SAME).filter((one) => SAME[one] === flag);
    assertEquals(key === "" ? keys.length : keys.includes(key), key === "" ? 0 : true, option);
    assertEquals(defaultOf(flag), stated, option);
    assertNotEquals(stated, "none", option);
    assertNotEquals(stated, "infinity", option);
    assertGreater(what!.length, 0);
  }
  const listed = rows.map(([option]) => option!.replace(/^--/, ""));
  assertEquals(listed.toSorted(), BROKER_FLAGS.filter((flag) => LIMIT.test(flag)).toSorted());
});

Deno.test("docs/security.md lists each limit of the ports of HTTP, with its key and its default", async () => {
  const rows = await tableOf("The ports of HTTP");
  for (const [option = "", key = "", stated] of rows) {
    const flag = option.replace(/^--/, "");
    const keys = Object.keys(SAME).filter((one) => SAME[one] === flag);
    assertEquals(key === "" ? keys.length : keys.includes(key), key === "" ? 0 : true, option);
    assertEquals(defaultOf(flag, HTTP_USAGE), stated, option);
  }
  const listed = rows.map(([option]) => option!.replace(/^--/, ""));
  assertEquals(listed.toSorted(), HTTP_FLAGS.toSorted());
});

Deno.test("docs/security.md says where an attack had another option than the default", async () => {
  const { ATTACKS } = await import("../abuse/attacks.ts");
  const rows = await tableOf("Abuse");
  assertEquals(rows.length, ATTACKS.length);
  for (const [at, { name, options = {}, onDisk = false }] of ATTACKS.entries()) {
    const stated = rows[at]![1]!;
    for (const option of Object.keys(options)) assertEquals(stated.includes(option), true, name);
    assertEquals(stated !== "", onDisk || Object.keys(options).length > 0, name);
  }
});
