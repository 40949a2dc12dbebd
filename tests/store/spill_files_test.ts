import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../broker/store/error.ts";
import { SpillFiles } from "../../broker/store/spill_files.ts";
import { seededRandom, SimulatedFileSystem } from "../../broker/testing/simulated_file_system.ts";
import { VirtualClock } from "../simulation/virtual_clock.ts";
import { forSeeds } from "../amqp/random_values.ts";

const MIB = 1024 * 1024;

/** Files on a simulated disk, and what they told. */
class Host {
  readonly files = new SimulatedFileSystem(seededRandom(1));
  readonly told: string[] = [];
  readonly clock = new VirtualClock();
  grown = 0;
  spill = this.open();

  open(): SpillFiles {
    return new SpillFiles({
      files: this.files,
      clock: this.clock,
      onFailure: ({ code }) => this.told.push(code),
      onGrown: () => this.grown++,
    });
  }

  /** Lets time pass, so that what is timed by what was timed before comes in its time. */
  pass(ms: number): void {
    for (; ms > 0; ms -= 10) this.clock.advance(10);
  }

  write(text: string): number {
    const bytes = new TextEncoder().encode(text);
    return this.spill.write(bytes, bytes.length);
  }

  read(block: number, length: number): string {
    const bytes = new Uint8Array(MIB);
    this.spill.read(block, bytes);
    return new TextDecoder().decode(bytes.subarray(0, length));
  }
}

Deno.test("SpillFiles gives each block back as it was, and room for others when it is freed", () => {
  forSeeds(20, (random) => {
    const host = new Host();
    const blocks = new Map<number, string>();
    for (let step = 0; step < 400; step++) {
      if (random.below(5) < (step < 200 ? 4 : 1)) {
        const text = `${step} `.repeat(1 + random.below(20));
        const block = host.write(text);
        assertEquals([block > 0, blocks.has(block)], [true, false]);
        blocks.set(block, text);
      } else if (blocks.size > 0) {
        const [block, text] = random.pick([...blocks]);
        assertEquals(host.read(block, text.length), text);
        host.spill.free(block);
        blocks.delete(block);
      }
    }
    for (const [block, text] of blocks) assertEquals(host.read(block, text.length), text);
  });
});

Deno.test("SpillFiles gives no number again of a block that moved, where a file stays half empty", () => {
  const host = new Host();
  const blocks = new Map<number, string>();
  const write = (text: string) => {
    const block = host.write(text);
    assertEquals([block > 0, blocks.has(block)], [true, false]);
    blocks.set(block, text);
  };
  for (let count = 0; count < 3 * 64; count++) write(`block ${count}`);
  for (const [count, block] of [...blocks.keys()].entries()) {
    if (count % 32 === 0) continue;
    host.spill.free(block);
    blocks.delete(block);
  }
  // the first file cannot be emptied: of its two blocks one moves
  host.files.faults = {
    failReadsAt: (name, position) => name === "0000000001.spill" && position === 32 * MIB,
  };
  host.pass(100);
  host.files.faults = {};
  for (let count = 0; count < 3 * 64; count++) write(`other ${count}`);
  for (const [block, text] of blocks) assertEquals(host.read(block, text.length), text);
});

Deno.test("SpillFiles removes files that nothing lies in, but for one", () => {
  const host = new Host();
  const blocks = Array.from({ length: 3 * 64 }, (_, number) => host.write(`${number}`));
  assertEquals([host.files.list().length, host.grown, host.spill.diskBytes], [3, 48, 192 * MIB]);
  for (const block of blocks) host.spill.free(block);
  assertEquals([host.files.list().length, host.spill.diskBytes], [1, 64 * MIB]);
  for (let count = 0; count < 64; count++) host.write("again");
  assertEquals(host.files.list().length, 1);
  host.spill.close();
  assertEquals(host.files.list(), []);
});

Deno.test("SpillFiles removes what another life left, and no other files", () => {
  const host = new Host();
  host.write("mine");
  for (const name of ["0000000001.segment", "0000000001.spill.bak", "note.spill"]) {
    host.files.create(name);
  }
  host.files.kill();
  host.spill = host.open();
  assertEquals(host.files.list().sort(), [
    "0000000001.segment",
    "0000000001.spill.bak",
    "note.spill",
  ]);
  assertEquals(host.read(host.write("next"), 4), "next");
});

Deno.test("SpillFiles passes over files that it can neither remove nor read", () => {
  const host = new Host();
  host.write("mine");
  host.files.kill();
  host.files.faults = { failureRate: 1 };
  host.spill = host.open();
  host.files.faults = {};
  assertEquals(host.read(host.write("next"), 4), "next");
  assertEquals(host.files.list(), ["0000000001.spill", "0000000002.spill"]);
});

Deno.test("SpillFiles tells once that the disk takes nothing, and writes again when it does", () => {
  const host = new Host();
  const first = host.write("first");
  host.files.faults = { capacity: 0 };
  assertEquals([host.spill.takes, host.write("second page")], [true, 0]);
  assertEquals([host.spill.takes, host.write("third page")], [false, 0]);
  host.clock.advance(1000);
  assertEquals(host.spill.takes, true, "it is tried again");
  host.files.faults = { failureRate: 1 };
  assertEquals([host.write("fourth page"), host.told], [0, ["full"]]);
  host.files.faults = {};
  const last = host.write("fifth");
  assertEquals(host.spill.takes, true);
  host.files.faults = { failureRate: 1 };
  assertEquals([host.write("sixth"), host.told], [0, ["full", "failed"]]);
  assertEquals([host.read(first, 5), host.read(last, 5)], ["first", "fifth"]);
});

Deno.test("SpillFiles tells what is damaged from what cannot be read now", () => {
  const host = new Host();
  const block = host.write("0123456789");
  host.files.faults = { failReads: true };
  assertEquals(assertThrows(() => host.read(block, 10), StoreError).code, "failed");
  host.files.faults = {};
  assertEquals(host.read(block, 10), "0123456789");
  host.files.damage("0000000001.spill", 3, new Uint8Array([0]));
  assertEquals(assertThrows(() => host.read(block, 10), StoreError).code, "corrupt");
  const damage = assertThrows(() => host.read(block, 10));
  host.files.faults = { failReads: true };
  assertStrictEquals(assertThrows(() => host.read(block, 10)), damage, "it is not read again");
});

Deno.test("SpillFiles that are closed take nothing, give nothing, and let go without a word", () => {
  const host = new Host();
  const block = host.write("mine");
  host.spill.close();
  assertEquals([host.spill.takes, host.write("more")], [false, 0]);
  host.spill.free(block);
  assertEquals(assertThrows(() => host.read(block, 4), StoreError).code, "closed");
  assertEquals(host.files.list(), []);
});

/** Blocks of a few files, of which some are freed: text by block. */
function spread(host: Host, keep: (index: number) => boolean, count = 6 * 64): Map<number, string> {
  const blocks = Array.from({ length: count }, (_, number) => host.write(`block ${number}`));
  const kept = new Map<number, string>();
  blocks.forEach((block, index) => {
    if (keep(index)) kept.set(block, `block ${index}`);
    else host.spill.free(block);
  });
  return kept;
}

function assertThere(host: Host, blocks: ReadonlyMap<number, string>): void {
  for (const [block, text] of blocks) assertEquals(host.read(block, text.length), text);
}

Deno.test("SpillFiles moves the blocks of files that are nearly empty to others, one at a time", () => {
  const host = new Host();
  const kept = spread(host, (index) => index % 32 === 0);
  assertEquals([kept.size, host.files.list().length], [12, 6]);
  host.clock.advance(10);
  assertEquals(host.files.list().length, 6, "the first of its two blocks has moved");
  host.clock.advance(10);
  assertEquals(host.files.list().length, 5);
  assertThere(host, kept);
  host.pass(1000);
  assertEquals([host.files.list().length, host.spill.diskBytes], [1, 64 * MIB]);
  assertThere(host, kept);
  for (const block of kept.keys()) host.spill.free(block);
  assertEquals(host.files.list().length, 1);
});

Deno.test("SpillFiles that are half full stay as they are", () => {
  const host = new Host();
  const kept = spread(host, (index) => index % 2 === 0);
  host.pass(1000);
  assertEquals(host.files.list().length, 6);
  assertThere(host, kept);
});

Deno.test("SpillFiles gives back what was written, whatever comes and goes while blocks move", () => {
  forSeeds(20, (random) => {
    const host = new Host();
    const blocks = spread(host, () => random.below(8) === 0, 4 * 64);
    for (let step = 0; step < 300; step++) {
      if (random.below(3) === 0) {
        const text = `new ${step}`;
        const block = host.write(text);
        assertEquals([block > 0, blocks.has(block)], [true, false]);
        blocks.set(block, text);
      } else if (blocks.size > 0 && random.below(2) === 0) {
        const [block] = random.pick([...blocks]);
        host.spill.free(block);
        blocks.delete(block);
      }
      host.clock.advance(random.below(20));
      if (step % 20 === 0) assertThere(host, blocks);
    }
    assertThere(host, blocks);
    for (const block of blocks.keys()) host.spill.free(block);
    host.pass(10_000);
    assertEquals(host.files.list().length, 1);
  });
});

Deno.test("SpillFiles moves on when the disk does, and passes over what is damaged", () => {
  const host = new Host();
  const kept = spread(host, (index) => index % 32 === 0, 3 * 64);
  const [first, second] = [...kept.keys()];
  host.files.damage("0000000001.spill", 2, new Uint8Array([0]));
  host.files.faults = { failureRate: 1 };
  host.pass(5000);
  assertEquals([host.files.list().length, host.told], [3, []]);
  host.files.faults = {};
  host.pass(5000);
  assertEquals(host.files.list().length, 1);
  assertEquals(assertThrows(() => host.read(first!, 7), StoreError).code, "corrupt");
  kept.delete(first!);
  assertThere(host, kept);
  host.spill.free(first!);
  host.spill.free(second!);
  host.spill.close();
  host.clock.advance(1000);
  assertEquals(host.files.list(), []);
});

Deno.test("SpillFiles empties others than a file of which a block can never be read, and that one later", () => {
  const host = new Host();
  const kept = spread(host, (index) => index % 32 === 0, 20 * 64);
  const failReadsAt = (name: string, position: number) =>
    name === "0000000001.spill" && position === 0;
  host.files.faults = { failReadsAt };
  host.pass(10_000);
  assertEquals(host.files.list().length, 2);
  host.files.faults = {};
  host.pass(20_000);
  assertEquals(host.files.list().length, 1);
  assertThere(host, kept);
  host.spill.close();
  host.clock.advance(20_000);
  assertEquals(host.files.list(), []);
});

Deno.test("SpillFiles moves nothing where files that can be read are full", () => {
  const host = new Host();
  const kept = spread(host, (index) => index < 64 || index % 32 === 0, 6 * 64);
  host.files.faults = { failReadsAt: (name) => name !== "0000000001.spill" };
  host.pass(30_000);
  assertEquals(host.files.list().length, 6);
  host.files.faults = {};
  assertThere(host, kept);
});
