import { assertEquals } from "@std/assert";
import { pollAllSockets } from "../../broker/amqp/turn.ts";
import { Paced } from "../../broker/net/paced.ts";

const there = () => true;

Deno.test("of a crowd so many begin at once, in the order in which they came", async () => {
  const paced = new Paced(3);
  const begun: number[] = [];
  const all = Array.from({ length: 8 }, async (_, index) => {
    const turn = paced.turn(there);
    if (turn !== undefined) await turn;
    begun.push(index);
  });
  assertEquals(begun, [0, 1, 2]);
  await all[5];
  await Promise.resolve(); // who began with it has said so, too
  assertEquals(begun, [0, 1, 2, 3, 4, 5]);
  await Promise.all(all);
  assertEquals(begun, [0, 1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("who comes alone does not wait, again and again", async () => {
  const paced = new Paced(1);
  for (let count = 0; count < 3; count++) {
    assertEquals(paced.turn(there), undefined);
    // it is looked twice before it rests
    await pollAllSockets();
    await pollAllSockets();
  }
});

Deno.test("who comes while others wait is not faster than they", async () => {
  const paced = new Paced(1);
  const order: string[] = [];
  paced.turn(there);
  const first = paced.turn(there)!.then(() => order.push("first"));
  await pollAllSockets();
  const second = paced.turn(there)!.then(() => order.push("second"));
  await Promise.all([first, second]);
  assertEquals(order, ["first", "second"]);
});

Deno.test("who has gone takes nobody's turn", async () => {
  const paced = new Paced(2);
  const gone = () => false;
  assertEquals([paced.turn(there), paced.turn(there)], [undefined, undefined]);
  const turns = [gone, gone, gone, there, there, there].map((isThere) => paced.turn(isThere)!);
  const seen: boolean[] = [];
  turns.forEach((turn) => void turn.then((one) => seen.push(one)));
  await turns[4];
  await Promise.resolve(); // who began with it has said so, too
  assertEquals(seen, [false, false, false, true, true]);
  assertEquals(await turns[5], true);
});
