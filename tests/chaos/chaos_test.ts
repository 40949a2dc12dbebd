/**
 * A client and a broker with a proxy between them that cuts, delays, halves and spoils their streams,
 * each time as another seed says, with the runtime watching for timers and sockets that are left over.
 *
 * A few seeds run with all other tests; `deno task chaos --seeds=1000` runs many, `--from=1001` those
 * that follow, and `deno task chaos --seed=7` one again: a failure says which.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomValues } from "../amqp/random_values.ts";
import { Bodies } from "./bodies.ts";
import { runChaos } from "./chaos.ts";

const args = parseArgs(Deno.args, {
  string: ["seeds", "seed", "from"],
  default: { seeds: "12", from: "1" },
});
const from = wholeNumber(args.seed ?? args.from);
const count = args.seed === undefined ? wholeNumber(args.seeds) : 1;
const total = {
  connections: 0,
  duplicates: 0,
  answered: 0,
  lost: 0,
  rejected: 0,
  unconfirmed: 0,
  arrived: 0,
  asked: 0,
  failed: 0,
};

for (let seed = from; seed < from + count; seed++) {
  Deno.test(`chaos of seed ${seed}: nothing is lost, nothing hangs, nothing is left`, async () => {
    const tally = await runChaos(seed).catch((cause) => {
      throw new Error(`Chaos of seed ${seed} failed; again: deno task chaos --seed=${seed}`, {
        cause,
      });
    });
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += tally[key];
  });
}

Deno.test("chaos looks at what is in a message, not at its number alone", () => {
  const bodies = new Bodies(new RandomValues(from));
  for (let number = 0; number < 10; number++) {
    const { body, properties } = bodies.make(number);
    assertEquals(bodies.check(body, properties), number);
    const others = [new Uint8Array(7), `${body}!`, { number, text: "x" }, undefined];
    for (const other of others) assertThrows(() => bodies.check(other, properties));
    assertThrows(() => bodies.check(body, { headers: { number: number + 1 } }));
  }
});

Deno.test("chaos is chaos", () => {
  const told = JSON.stringify(total);
  assert(total.connections > 4 * count, told);
  assert(count < 5 || Math.min(total.duplicates, total.rejected, total.failed) > 0, told);
  assert(total.asked > count, told);
  assert(total.arrived > 0 && total.arrived <= total.unconfirmed, told);
  // deno-lint-ignore no-console -- what a long run came to
  if (count > 100) console.log(`${count} seeds: ${told}`);
});

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new TypeError(`Cannot run chaos: ${JSON.stringify(text)} is no whole number above 0`);
}
