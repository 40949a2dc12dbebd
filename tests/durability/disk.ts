import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { type Channel, connect, type Connection } from "../../mod.ts";
import { BrokerProcess, RUN } from "./broker_process.ts";
import { type Publisher, startOurs, type StartPublisher } from "./publishers.ts";

/** Size of the disk, of a message, and so many more must be confirmed once there is room again. */
const DISK_SIZE = "16m";
const BODY_SIZE = 4000;
const GOES_ON = 30;

/** Something that a test needs and this machine does not have, or that only root may do. */
export class UnavailableError extends Error {
  /** Always `"UnavailableError"`. */
  override readonly name = "UnavailableError";
}

/** What a scenario may use. */
export interface Surroundings {
  /** Publishers beside our own, by name. */
  readonly others: ReadonlyMap<string, StartPublisher>;
  /** Tells how it goes. */
  readonly say: (line: string) => void;
}

/** All of them: each does something to a real disk, and rejects when the broker does not bear it. */
export const SCENARIOS: ReadonlyMap<string, (surroundings: Surroundings) => Promise<void>> =
  new Map([
    ["a disk that is full", fullDisk],
    ["a disk that becomes read-only", readOnlyDisk],
    ["a directory that may not be written", forbiddenDirectory],
  ]);

// ---- a disk that is full

async function fullDisk({ others, say }: Surroundings): Promise<void> {
  await using disk = await Disk.inMemory();
  const confirmed = new Map<string, Set<number>>();
  const consumed = new Map<string, Set<number>>();
  {
    await using broker = await BrokerProcess.start(disk.dataDir, "info");
    await using work = await startWork(broker, others);
    await work.each((publisher) =>
      publisher.until("connection.blocked", ({ blocked }) => blocked.length > 0)
    );
    for (const [, { blocked }] of work.publishers) assertEquals(blocked[0], "low on disk");
    say(`full: ${work.counts()} confirmed`);
    assertStringIncludes(broker.output, "store: full");

    // those who only consume go on, and make room
    await using consumer = await connect(broker.url);
    const before = work.confirmedCounts();
    const channel = await consume(consumer, work.queues, consumed);
    await work.each((publisher, index) =>
      publisher.until(
        "a confirm after there was room",
        (p) => p.unblocked > 0 && p.confirmed.size > before[index]! + GOES_ON,
      )
    );
    say(`room again: ${work.counts()} confirmed`);
    assertStringIncludes(broker.output, "store: open");
    await channel.close();
    await work.each((publisher) => {
      const { unblocked } = publisher;
      return publisher.until("the next block", ({ blocked }) => blocked.length > unblocked);
    });
    assertEquals(await broker.stop(), 0);
    await work.end(confirmed);
  }
  const left = await allLeft(disk.dataDir, confirmed.keys());
  checkAll(confirmed, left, consumed);
  say(
    `after a restart: ${total(left)} of ${total(confirmed)} confirmed messages are left, ` +
      `${total(consumed)} were consumed`,
  );
}

// ---- a disk that becomes read-only

async function readOnlyDisk({ others, say }: Surroundings): Promise<void> {
  await using disk = await Disk.inFile();
  const confirmed = new Map<string, Set<number>>();
  {
    await using broker = await BrokerProcess.start(disk.dataDir, "info");
    await using work = await startWork(broker, others);
    await work.each((publisher) => publisher.until("confirms", (p) => p.confirmed.size > GOES_ON));
    await disk.breakDown();
    await work.each((publisher) =>
      publisher.until("connection.blocked", ({ blocked }) => blocked.length > 0)
    );
    say(`read-only: ${work.counts()} confirmed`);
    assertStringIncludes(broker.output, "store: failed");
    for (const [, { blocked }] of work.publishers) {
      assertEquals(blocked[0], "low on disk (it cannot be written)");
    }
    // what is there can still be had
    await using consumer = await connect(broker.url);
    const channel = await consumer.openChannel();
    assert(await channel.basicGet(work.queues[0]!) !== undefined);
    await consumer.close();
    assertEquals(await broker.stop(), 0);
    await work.end(confirmed);
  }
  assertEquals(await refusedStart(disk.dataDir), 1);
  await disk.mountAgain();
  const left = await allLeft(disk.dataDir, confirmed.keys());
  checkAll(confirmed, left, new Map());
  say(`mounted again: ${total(left)} messages, all of ${total(confirmed)} confirmed ones`);
}

// ---- a directory that may not be written

async function forbiddenDirectory({ say }: Surroundings): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-forbidden-" });
  try {
    await Deno.chmod(dataDir, 0o555);
    await run("chown", "65534", dataDir);
    // Root without its right to pass over permissions: another user might not reach this program.
    const { code, output } = await startRefused(dataDir, [
      "setpriv",
      "--bounding-set=-dac_override,-dac_read_search",
      "--inh-caps=-dac_override,-dac_read_search",
    ]);
    assertEquals(code, 1, output);
    const lines = output.trim().split("\n");
    assertEquals(lines.length, 1, output);
    assertStringIncludes(lines[0]!, dataDir);
    say(lines[0]!);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function refusedStart(dataDir: string): Promise<number> {
  const { code, output } = await startRefused(dataDir, []);
  assertEquals(output.trim().split("\n").length, 1, output);
  return code;
}

/** Starts a broker that cannot open its directory. */
async function startRefused(
  dataDir: string,
  prefix: readonly string[],
): Promise<{ code: number; output: string }> {
  const [command, ...args] = [...prefix, Deno.execPath(), ...RUN];
  const { code, stdout, stderr } = await new Deno.Command(command!, {
    args: [...args, "--port", "0", "--data-dir", dataDir, "--log-level", "warning"],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(120_000),
  }).output().catch(unavailable);
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

// ---- publishers and what they published

class RunningWork implements AsyncDisposable {
  readonly publishers: readonly (readonly [queue: string, publisher: Publisher])[];
  readonly #broker: BrokerProcess;

  constructor(broker: BrokerProcess, publishers: readonly (readonly [string, Publisher])[]) {
    this.#broker = broker;
    this.publishers = publishers;
  }

  get queues(): readonly string[] {
    return this.publishers.map(([queue]) => queue);
  }

  confirmedCounts(): number[] {
    return this.publishers.map(([, { confirmed }]) => confirmed.size);
  }

  counts(): string {
    return this.publishers.map(([queue, { confirmed, nacked }]) =>
      `${queue} ${confirmed.size}${nacked > 0 ? ` (${nacked} nacked)` : ""}`
    ).join(", ");
  }

  async each(action: (publisher: Publisher, index: number) => Promise<void>): Promise<void> {
    await Promise.all(this.publishers.map(([, publisher], index) => action(publisher, index)));
  }

  /** The broker has ended, and so do they. */
  async end(confirmed: Map<string, Set<number>>): Promise<void> {
    for (const [queue, publisher] of this.publishers) {
      await publisher.gone;
      confirmed.set(queue, publisher.confirmed);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.kill();
    for (const [, publisher] of this.publishers) await publisher.gone;
  }
}

// deno-lint-ignore require-await -- disposed of by `await using`
async function startWork(
  broker: BrokerProcess,
  others: ReadonlyMap<string, StartPublisher>,
): Promise<RunningWork> {
  const { port } = broker;
  const all = [["warren", startOurs] as const, ...others];
  return new RunningWork(
    broker,
    all.map(([name, start]) => [
      `from-${name}`,
      start({ port, queue: `from-${name}`, first: 0, size: BODY_SIZE }),
    ]),
  );
}

/** Consumes and acks all that comes. */
async function consume(
  connection: Connection,
  queues: readonly string[],
  consumed: Map<string, Set<number>>,
): Promise<Channel> {
  const channel = await connection.openChannel();
  await channel.basicQos({ prefetchCount: 50 });
  for (const queue of queues) {
    const numbers = new Set<number>();
    consumed.set(queue, numbers);
    await channel.basicConsume(queue, {}, (delivery) => {
      numbers.add(numberOf(delivery.text()));
      delivery.ack();
    });
  }
  return channel;
}

/** What a broker has that is started on a directory, in order. */
async function allLeft(
  dataDir: string,
  queues: Iterable<string>,
): Promise<Map<string, Set<number>>> {
  await using broker = await BrokerProcess.start(dataDir);
  await using connection = await connect(broker.url);
  const channel = await connection.openChannel();
  const left = new Map<string, Set<number>>();
  for (const queue of queues) {
    const numbers: number[] = [];
    for (;;) {
      const delivery = await channel.basicGet(queue);
      if (delivery === undefined) break;
      numbers.push(numberOf(delivery.text()));
    }
    assertEquals(numbers, numbers.toSorted((a, b) => a - b), `the order of ${queue}`);
    left.set(queue, new Set(numbers));
    assertEquals(left.get(queue)!.size, numbers.length, `${queue} has a message twice`);
  }
  return left;
}

/** Each message that was confirmed was consumed or is there. */
function checkAll(
  confirmed: ReadonlyMap<string, ReadonlySet<number>>,
  left: ReadonlyMap<string, ReadonlySet<number>>,
  consumed: ReadonlyMap<string, ReadonlySet<number>>,
): void {
  for (const [queue, numbers] of confirmed) {
    assertGreater(numbers.size, 0);
    for (const number of numbers) {
      const found = left.get(queue)!.has(number) || consumed.get(queue)?.has(number) === true;
      assert(found, `message ${number} of ${queue} was confirmed and is gone`);
    }
  }
}

function total(sets: ReadonlyMap<string, ReadonlySet<number>>): number {
  return [...sets.values()].reduce((sum, { size }) => sum + size, 0);
}

function numberOf(body: string): number {
  return Number(body.split(":")[0]);
}

// ---- disks

/** A small disk of its own, mounted on a temporary directory. */
class Disk implements AsyncDisposable {
  readonly #directory: string;
  readonly #image: string | undefined;
  #mounted = false;

  private constructor(directory: string, image: string | undefined) {
    this.#directory = directory;
    this.#image = image;
  }

  get dataDir(): string {
    return `${this.#directory}/data`;
  }

  /** One that is memory. */
  static async inMemory(): Promise<Disk> {
    const disk = new Disk(await Deno.makeTempDir({ prefix: "warren-disk-" }), undefined);
    await disk.#orUnmount(() => disk.#mount("-t", "tmpfs", "-o", `size=${DISK_SIZE}`, "tmpfs"));
    return disk;
  }

  /** One in a file, on which more can go wrong. */
  static async inFile(): Promise<Disk> {
    const image = await Deno.makeTempFile({ prefix: "warren-disk-" });
    const disk = new Disk(await Deno.makeTempDir({ prefix: "warren-disk-" }), image);
    await disk.#orUnmount(async () => {
      await Deno.truncate(image, 256 * 1024 * 1024);
      await run("mkfs.ext4", "-q", "-F", image);
      await disk.mountAgain();
    });
    return disk;
  }

  /** What the kernel does when it finds the file system broken: it is read-only from now on. */
  async breakDown(): Promise<void> {
    await run("mount", "-o", "remount,abort", this.#directory);
  }

  /** Mounts it as after a repair. */
  async mountAgain(): Promise<void> {
    await this.#unmount();
    await this.#mount("-o", "loop,errors=remount-ro", this.#image!);
  }

  async #mount(...args: string[]): Promise<void> {
    await run("mount", ...args, this.#directory);
    this.#mounted = true;
  }

  async #unmount(): Promise<void> {
    if (!this.#mounted) return;
    try {
      await run("umount", this.#directory);
    } catch (cause) {
      throw new Error(`Cannot unmount ${this.#directory}: it stays behind`, { cause });
    }
    this.#mounted = false;
  }

  async #orUnmount(prepare: () => Promise<void>): Promise<void> {
    try {
      await prepare();
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unmount();
    await Deno.remove(this.#directory);
    if (this.#image !== undefined) await Deno.remove(this.#image);
  }
}

/** Runs a program that only root may use, or that is not everywhere. */
async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output()
    .catch(unavailable);
  if (success) return;
  throw new UnavailableError(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

function unavailable(error: unknown): never {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
  throw new UnavailableError(error.message);
}
