import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { StoreError } from "../../broker/store/error.ts";
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Store } from "../../broker/store/store.ts";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";

const KILLS = 6;

/** Runs a process on the store, kills it after so many lines, and tells its last one. */
async function runAndKill(directory: string, lines: number): Promise<[gone: number, safe: number]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("kill_child.ts", import.meta.url).href, directory],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let last = "0 0";
  let count = 0;
  const output = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of output) {
    if (/^\d+ \d+$/.test(line)) last = line;
    if (++count === lines) child.kill("SIGKILL");
  }
  await child.status;
  const [gone, safe] = last.split(" ").map(Number);
  return [gone!, safe!];
}

Deno.test(`A process that is killed ${KILLS} times loses nothing that was safe`, async () => {
  const directory = await Deno.makeTempDir();
  const random = seededRandom(Date.now());
  /** Taken and never written: the checkpoint before them tells that there were such positions. */
  const lost: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const [gone, safe] = await runAndKill(directory, 1 + Math.floor(random() * 60));
    assert(safe > 0);
    const store = new Store({ files: new DiskFileSystem(directory), segmentSize: 64 * 1024 });
    assertEquals([store.report.dropped, store.report.damages], [undefined, []]);
    const queue = store.queue(1);
    assertEquals(queue.has(gone), false);
    const positions: number[] = [];
    for (let at = queue.next(0); at !== undefined; at = queue.next(at + 1)) positions.push(at);
    const last = positions.at(-1)!;
    assert(last >= safe, `${last} is the last, ${safe} was safe`);
    const between = Array.from({ length: last - positions[0]! + 1 }, (_, at) => positions[0]! + at);
    assertEquals(positions, between.filter((position) => !lost.includes(position)));
    for (let position = last + 1; position <= queue.highest; position++) lost.push(position);
    store.readMany(queue, positions, (position, found) => {
      assert(!(found instanceof StoreError));
      const body = new TextDecoder().decode(found.body.subarray(found.bodyStart, found.bodyEnd));
      assertEquals(body.trim(), `body ${position}`);
    });
    await store.close();
  }
  await Deno.remove(directory, { recursive: true });
});
