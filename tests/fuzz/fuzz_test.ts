import { fuzzBroker, fuzzCodec, fuzzFrameReader } from "./fuzz.ts";

/** Runs a case for so many seeds; an error tells the seed, which `tests/fuzz/main.ts` replays. */
async function forSeeds(
  count: number,
  fuzz: (seed: number) => void | Promise<void>,
): Promise<void> {
  for (let seed = 1; seed <= count; seed++) {
    try {
      await fuzz(seed);
    } catch (cause) {
      throw new Error(`Cannot hold for --seed ${seed}`, { cause });
    }
  }
}

Deno.test("FrameReader cuts damaged streams the same way however they come", async () => {
  await forSeeds(300, fuzzFrameReader);
});

Deno.test("The codec refuses damaged methods and properties in an orderly way", async () => {
  await forSeeds(150, fuzzCodec);
});

Deno.test("A broker outlives clients that send damaged streams, and others do not notice", async () => {
  await forSeeds(40, fuzzBroker);
});
