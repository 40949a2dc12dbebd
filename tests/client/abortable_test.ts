import { assertEquals, assertRejects } from "@std/assert";
import { abortable } from "../../client/abortable.ts";

Deno.test("what comes when nobody waits for it any more is let go of, and harms nobody when that fails", async () => {
  for (const fails of [false, true]) {
    const late: number[] = [];
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<number>();
    const waiting = abortable(promise, controller.signal, (result) => {
      late.push(result);
      if (fails) throw new Error("it cannot be let go of");
    });
    controller.abort(new Error("never mind"));
    await assertRejects(() => waiting, Error, "never mind");
    resolve(1);
    // an error that nobody takes would come before this
    await new Promise((done) => setTimeout(done, 0));
    assertEquals(late, [1]);
  }
});
