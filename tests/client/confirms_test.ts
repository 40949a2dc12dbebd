import { assert, assertEquals, assertRejects } from "@std/assert";
import { Confirms } from "../../client/confirms.ts";
import { PublishNackedError } from "../../client/errors.ts";
import { Intake } from "../../client/intake.ts";
import { RecordingLink } from "./recording_link.ts";

/** Publishes so many messages and notes how each of them ends. */
function publish(count: number) {
  const confirms = new Confirms(new Intake(new RecordingLink()));
  const outcomes: string[] = new Array(count).fill("waits");
  for (let index = 0; index < count; index++) {
    confirms.publish().then(
      () => outcomes[index] = "acked",
      (error) => outcomes[index] = error instanceof PublishNackedError ? "nacked" : "failed",
    );
  }
  return { confirms, outcomes };
}

const cases: readonly {
  readonly name: string;
  readonly settle: readonly (readonly [deliveryTag: number, multiple: boolean, acked: boolean])[];
  readonly outcomes: readonly string[];
}[] = [
  {
    name: "one by one",
    settle: [[1, false, true]],
    outcomes: ["acked", "waits", "waits", "waits"],
  },
  {
    name: "out of order",
    settle: [[3, false, true], [1, false, true]],
    outcomes: ["acked", "waits", "acked", "waits"],
  },
  {
    name: "several at once",
    settle: [[3, true, true]],
    outcomes: ["acked", "acked", "acked", "waits"],
  },
  {
    name: "several at once, some of them before",
    settle: [[2, false, false], [3, true, true]],
    outcomes: ["acked", "nacked", "acked", "waits"],
  },
  {
    name: "several nacks at once",
    settle: [[1, false, true], [3, true, false]],
    outcomes: ["acked", "nacked", "nacked", "waits"],
  },
  {
    name: "all, by tag 0",
    settle: [[0, true, true]],
    outcomes: ["acked", "acked", "acked", "acked"],
  },
  {
    name: "again, and what was never published",
    settle: [[1, false, true], [1, false, false], [9, false, true], [0, false, true]],
    outcomes: ["acked", "waits", "waits", "waits"],
  },
];

for (const { name, settle, outcomes: expected } of cases) {
  Deno.test(`Confirms settles ${name}`, async () => {
    const { confirms, outcomes } = publish(4);
    for (const [deliveryTag, multiple, acked] of settle) {
      confirms.settle(deliveryTag, multiple, acked);
    }
    await Promise.resolve();
    assertEquals(outcomes, expected);
  });
}

Deno.test("Confirms.whenSettled() waits for what was published so far, and no longer", async () => {
  const { confirms } = publish(2);
  const settled = confirms.whenSettled();
  confirms.publish();
  confirms.settle(2, true, true);
  await settled;
});

Deno.test("Confirms.whenSettled() resolves at once when nothing is unconfirmed", async () => {
  const { confirms } = publish(0);
  await confirms.whenSettled();
});

Deno.test("Confirms.whenSettled() tells each nack once", async () => {
  const { confirms } = publish(3);
  confirms.settle(2, false, false);
  confirms.settle(3, true, true);
  const error = await assertRejects(() => confirms.whenSettled(), PublishNackedError);
  assertEquals(error.deliveryTag, 2);
  await confirms.whenSettled();
});

Deno.test("Confirms.fail() rejects everything that waits", async () => {
  const { confirms, outcomes } = publish(2);
  confirms.settle(2, false, true);
  const settled = confirms.whenSettled();
  confirms.fail(new Error("gone"));
  await assertRejects(() => settled, Error, "gone");
  assertEquals(outcomes, ["failed", "acked"]);
});

Deno.test("Confirms makes no unhandled rejection of a nack that nobody awaits", async () => {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  const confirms = new Confirms(new Intake(new RecordingLink()));
  confirms.publish();
  confirms.settle(1, false, false);
  await new Promise((resolve) => setTimeout(resolve, 0));
  globalThis.removeEventListener("unhandledrejection", note);
  assertEquals(unhandled, []);
});

Deno.test("Confirms holds many unconfirmed messages", async () => {
  const { confirms, outcomes } = publish(5000);
  confirms.settle(4999, true, true);
  await Promise.resolve();
  assert(outcomes.slice(0, 4999).every((outcome) => outcome === "acked"));
  assertEquals(outcomes[4999], "waits");
});
