import { assertEquals } from "@std/assert";
import { Alarms } from "../../broker/alarms.ts";
import { endOfTurn } from "../support/end_of_turn.ts";

Deno.test("Alarms names all that is short, as RabbitMQ does", () => {
  const alarms = new Alarms();
  alarms.raise("disk");
  assertEquals(alarms.reason, "low on disk");
  alarms.raise("memory");
  assertEquals(alarms.reason, "low on memory & disk");
  alarms.raise("store", { told: "it cannot be written" });
  alarms.clear("memory");
  assertEquals(alarms.reason, "low on disk (it cannot be written)");
});

Deno.test("Alarms tells once, later, and only when nothing is short any more", async () => {
  const alarms = new Alarms();
  let told = 0;
  alarms.raise("disk");
  alarms.raise("memory");
  alarms.whenClear(() => told++);
  alarms.clear("disk");
  await endOfTurn();
  assertEquals([alarms.raised, told], [true, 0]);
  alarms.clear("memory");
  assertEquals([alarms.raised, told], [false, 0]);
  await endOfTurn();
  assertEquals(told, 1);
  alarms.raise("disk");
  alarms.clear("disk");
  await endOfTurn();
  assertEquals(told, 1);
});

Deno.test("Alarms lets those wait on who come after the one that raises the next alarm", async () => {
  const alarms = new Alarms();
  const told: string[] = [];
  alarms.raise("disk");
  alarms.whenClear(() => {
    told.push("first");
    alarms.raise("disk");
  });
  alarms.whenClear(() => told.push("second"));
  const takeBack = alarms.whenClear(() => told.push("third"));
  takeBack();
  alarms.clear("disk");
  await endOfTurn();
  assertEquals(told, ["first"]);
  alarms.clear("disk");
  await endOfTurn();
  assertEquals(told, ["first", "second"]);
});
