import { assertGreater } from "@std/assert";
import { systemClock } from "../../broker/amqp/clock.ts";
import { workInSlices } from "../../broker/amqp/long_work.ts";
import { Slices } from "../../broker/amqp/slices.ts";
import { DeadlineTimer } from "../../broker/queue/deadline_timer.ts";
import { type StandingTime, standingTime } from "../support/standing_time.ts";

/** So many slices of long work are done; of each kind, if there are several. */
const SLICES = 120;
/** After two looks at sockets there is an answer. The runtime itself looks at them once in 61 rounds of the
 * loop, twice meanwhile, or after some of the timers that go off at the same time. */
const ANSWERS_MIN = 20;

async function list(time: StandingTime): Promise<void> {
  const slices = new Slices(1);
  for (let rests = 0; rests < SLICES;) {
    time.pass(0.5);
    if (!slices.over) continue;
    await slices.rest();
    rests++;
  }
}

function deletes(time: StandingTime): Promise<void> {
  function* steps() {
    for (let step = 0; step < SLICES; step++) {
      time.pass(2);
      yield 512;
    }
  }
  return new Promise((resolve) => workInSlices(steps(), (slice) => slice(), resolve));
}

/** As when the messages of very many queues are too old at the same time. */
async function deadlines(time: StandingTime): Promise<void> {
  const deadline = systemClock.now() + 1;
  const owner = () =>
    new Promise<void>((resolve) => {
      const timer = new DeadlineTimer(systemClock, () => {
        time.pass(4);
        resolve();
      });
      timer.watch(deadline);
    });
  await Promise.all(Array.from({ length: SLICES }, owner));
}

/** How often a socket of this process is answered until some work is done. */
async function answersDuring(work: (time: StandingTime) => Promise<void>): Promise<number> {
  // on a slow machine a look at all sockets is given up before there was one: others have worked instead
  using time = standingTime();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  using asking = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using answering = await accepted;
  let [answers, isOver] = [0, false];
  const echo = answering.readable.pipeTo(answering.writable).catch(() => {});
  const ask = async () => {
    const bytes = new Uint8Array(1);
    while (!isOver) {
      await asking.write(bytes);
      await asking.read(bytes);
      answers++;
    }
    asking.closeWrite();
  };
  const asked = ask();
  await work(time);
  isOver = true;
  await asked;
  await echo;
  return answers;
}

for (
  const [what, work] of [
    ["a long list is told in slices", list],
    ["very much is deleted in slices", deletes],
    ["very many deadlines come", deadlines],
    [
      "both are done",
      async (time: StandingTime) => void await Promise.all([list(time), deletes(time)]),
    ],
  ] as const
) {
  Deno.test(`while ${what} sockets are looked at`, async () => {
    assertGreater(await answersDuring(work), ANSWERS_MIN);
  });
}
