import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { assertEquals } from "@std/assert";
import { UnreadAnswers } from "../../broker/http/unread_answers.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** An answer whose client takes what a test says. */
class Answer extends EventEmitter {
  readonly socket = { bytesWritten: 0 };
  writableLength = 0;
  readonly givenUp: number[] = [];

  /** Has it looked after. */
  watchedBy(readers: UnreadAnswers): this {
    const response = this as unknown as ServerResponse;
    readers.watch(this, response, (waiting) => this.givenUp.push(waiting));
    return this;
  }
}

Deno.test("UnreadAnswers gives up who takes nothing, once, and no one else", () => {
  const clock = new ManualClock();
  using readers = new UnreadAnswers(clock, 4000);
  const [stuck, slow, unasked, done] = Array.from(
    { length: 4 },
    () => new Answer().watchedBy(readers),
  ) as [Answer, Answer, Answer, Answer];
  for (const one of [stuck, slow, done]) one.writableLength = 100;
  done.emit("close");
  for (let second = 0; second < 60; second++) {
    slow.socket.bytesWritten += 1;
    clock.advance(1000);
  }
  assertEquals(stuck.givenUp, [100]);
  // one reads, the other has nothing to read, of the third nobody waits
  assertEquals([slow.givenUp, unasked.givenUp, done.givenUp], [[], [], []]);
});

Deno.test("UnreadAnswers has more patience when much waits: it was one write", () => {
  const clock = new ManualClock();
  using readers = new UnreadAnswers(clock, 4000);
  const large = new Answer().watchedBy(readers);
  large.writableLength = 160 * 1024;
  clock.advance(13_000);
  assertEquals(large.givenUp, []);
  clock.advance(2000);
  assertEquals(large.givenUp, [160 * 1024]);
});

Deno.test("UnreadAnswers has no timer while there is nothing to look after", () => {
  const clock = new ManualClock();
  using readers = new UnreadAnswers(clock, 4000);
  assertEquals(clock.timers, 0);
  const answer = new Answer().watchedBy(readers);
  assertEquals(clock.timers, 1);
  answer.emit("close");
  clock.advance(1000);
  assertEquals(clock.timers, 0);
  answer.watchedBy(readers);
  assertEquals(clock.timers, 1);
  readers[Symbol.dispose]();
  assertEquals(clock.timers, 0);
});
