import { assertEquals } from "@std/assert";
import { Fifo } from "../../broker/amqp/fifo.ts";

Deno.test("Fifo keeps the order over growing and wrapping around", () => {
  const fifo = new Fifo<number>();
  const seen: number[] = [];
  let next = 0;
  for (let round = 1; round <= 60; round++) {
    for (let count = 0; count < round; count++) fifo.push(next++);
    for (let count = 0; count < round - 1; count++) seen.push(fifo.shift()!);
  }
  assertEquals(fifo.length, 60);
  while (fifo.length > 0) seen.push(fifo.shift()!);
  assertEquals(seen, Array.from({ length: next }, (_, index) => index));
});

Deno.test("Fifo.at() counts from the first item", () => {
  const fifo = new Fifo<string>();
  for (const item of ["a", "b", "c"]) fifo.push(item);
  fifo.shift();
  assertEquals([fifo.at(0), fifo.at(1), fifo.at(2), fifo.at(-1)], ["b", "c", undefined, undefined]);
});

Deno.test("Fifo.shift() gives undefined when nothing is left", () => {
  const fifo = new Fifo<string>();
  assertEquals([fifo.shift(), fifo.length], [undefined, 0]);
});

Deno.test("Fifo that was very long keeps its order once it is empty and filled again", () => {
  const fifo = new Fifo<number>();
  for (let round = 0; round < 2; round++) {
    for (let item = 0; item < 20_000; item++) fifo.push(item);
    assertEquals(Array.from({ length: 20_000 }, () => fifo.shift()), [...Array(20_000).keys()]);
    assertEquals([fifo.length, fifo.at(0), fifo.shift()], [0, undefined, undefined]);
    fifo.push(round);
    assertEquals([fifo.at(0), fifo.shift(), fifo.length], [round, round, 0]);
  }
});

Deno.test("Fifo that is empty keeps its room for as many as a client's window has, and no more", () => {
  const fifo = new Fifo<number>();
  const roomAfter = (count: number) => {
    for (let item = 0; item < count; item++) fifo.push(item);
    while (fifo.length > 0) fifo.shift();
    return fifo["_items"].length;
  };
  assertEquals([roomAfter(5000), roomAfter(1), roomAfter(20_000)], [8192, 8192, 16]);
});
