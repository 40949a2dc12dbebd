import { assertEquals } from "@std/assert";
import { freePorts } from "../support/rabbitmq.ts";
import { Program } from "./program.ts";
import { ended, RunningBroker } from "./running_broker.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

/** How a command of the table in `docs/command_line.md` is called, so that each column comes true. */
interface Row {
  /** What goes well. */
  readonly done: readonly string[];
  /** What it reads. */
  readonly input?: string;
  /** Names something that is not there, each kind in the order of the table. */
  readonly missing?: readonly (readonly string[])[];
  readonly wrong: readonly string[];
  /** True for what asks nobody. */
  readonly alone?: boolean;
  /** What waits for a broker that says nothing, where that is something else. */
  readonly waits?: readonly string[];
}

const ctl = (words: string, ...missing: readonly string[]): Row => ({
  done: words.split(" "),
  missing: missing.map((one) => one.split(" ")),
  wrong: [...words.split(" ").slice(0, 2), "--bogus"],
});

const ROWS: Readonly<Record<string, Row>> = {
  "list KIND": {
    done: ["list", "queues"],
    missing: [["list", "queues", "--vhost=nope"]],
    wrong: ["list", "queues", "--bogus"],
  },
  "definitions export": {
    done: ["definitions", "export"],
    missing: [["definitions", "export", "--vhost=nope"]],
    wrong: ["definitions", "export", "one", "two"],
  },
  "definitions import": {
    done: ["definitions", "import"],
    input: "{}",
    waits: ["definitions", "import", "tests/broker/definitions_4.x.json"],
    missing: [["definitions", "import", "--vhost=nope"], ["definitions", "import", "/nope/nope"]],
    wrong: ["definitions", "import", ""],
  },
  "publish": {
    done: ["publish", "hi", "--routing-key=orders"],
    missing: [["publish", "hi", "--exchange=nope"], ["publish", "hi", "--routing-key=nope"]],
    wrong: ["publish", "hi", "--count=0"],
  },
  "consume": {
    done: ["consume", "orders", "--count=1"],
    missing: [["consume", "nope"]],
    wrong: ["consume"],
  },
  "get": {
    done: ["get", "orders"],
    missing: [["get", "nope"], ["get", "a\tb"]],
    wrong: ["get"],
  },
  "purge": { done: ["purge", "a\tb"], missing: [["purge", "nope"]], wrong: ["purge"] },
  "top": { done: ["top", "--once"], wrong: ["top", "--interval=0"], waits: ["top"] },
  "bench": {
    done: ["bench", "--seconds=0.1"],
    missing: [["bench", "--seconds=0.1", "--vhost=nope"]],
    wrong: ["bench", "--seconds=x"],
  },
  "completion": { done: ["completion", "bash"], wrong: ["completion", "tcsh"], alone: true },
  "status": { done: ["status"], wrong: ["status", "--bogus"] },
  "add user": ctl("add user ann secret"),
  "add vhost": ctl("add vhost v"),
  "set permissions": ctl(
    "set permissions ann .* .* .*",
    "set permissions nope .* .* .*",
    "set permissions -p nope ann .* .* .*",
  ),
  "set policy": ctl('set policy p ^x {"max-length":1}', "set policy -p nope p x {}"),
  "clear policy": ctl("clear policy p", "clear policy nope"),
  "delete user": ctl("delete user ann", "delete user nope"),
  "delete vhost": ctl("delete vhost v", "delete vhost nope"),
  "delete queue": ctl("delete queue orders", "delete queue nope"),
  "rabbitmqctl …": {
    done: ["rabbitmqctl", "list_users"],
    missing: [],
    wrong: ["rabbitmqctl", "nope"],
  },
};

/** The commands of programs that serve, or look at a store that nobody serves: other tests are about
 * them too. */
const OF_STORES = ["serve", "store check", "store repair"];

/** What goes on until somebody ends it, once it has connected. */
const HEED = new Set(["consume", "bench"]);

/** Columns of the table. */
interface Statuses {
  readonly done: number;
  readonly unreachable: number | undefined;
  readonly refused: number | undefined;
  /** One, or one for each kind of thing. */
  readonly missing: readonly number[];
  readonly wrong: number;
  readonly interrupted: number;
}

async function readTable(): Promise<ReadonlyMap<string, Statuses>> {
  const text = await Deno.readTextFile(new URL("../../docs/command_line.md", import.meta.url));
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(rows.map((row) => {
    const cells = row.split("|").slice(1, -1).map((cell) => cell.trim());
    const [done, unreachable, refused, , wrong, interrupted] = cells.slice(1).map((cell) =>
      cell === "–" ? undefined : Number.parseInt(cell)
    );
    const missing = [...cells[4]!.matchAll(/\d+/g)].map(([number]) => Number(number));
    const statuses = { unreachable, refused, missing, done: done! };
    return [cells[0]!.slice(1, -1), { ...statuses, wrong: wrong!, interrupted: interrupted! }];
  }));
}

Deno.test("commands end with the status that the documentation tells", async (test) => {
  const table = await readTable();
  assertEquals([...table.keys()].sort(), [...Object.keys(ROWS), ...OF_STORES].sort());
  await using running = await RunningBroker.start();
  await running.furnish();
  const [http, amqp] = freePorts(2);
  const nobody = {
    WARREN_URL: `http://127.0.0.1:${http}`,
    WARREN_AMQP_URL: `amqp://127.0.0.1:${amqp}`,
  };
  const wrongly = { WARREN_USER: "guest", WARREN_PASSWORD: "wrong" };
  const run = async (
    args: readonly string[],
    { input }: Row,
    { env = {}, at = running }: { env?: Record<string, string>; at?: RunningBroker } = {},
  ) => {
    const terminal = at.terminal({ env, ...input === undefined ? {} : { input } });
    const { code, stderr } = await ended(args, terminal);
    assertEquals(stderr === "", code === 0, `${args}: ${stderr}`);
    return code;
  };
  for (const [name, row] of Object.entries(ROWS)) {
    const { done, unreachable, refused, missing, wrong } = table.get(name)!;
    await test.step(name, async () => {
      assertEquals(await run(row.done, row), done);
      assertEquals(await run(row.wrong, row), wrong);
      for (const [at, args] of (row.missing ?? []).entries()) {
        assertEquals(await run(args, row), missing[at] ?? missing[0], args.join(" "));
      }
      assertEquals(unreachable === undefined, row.alone === true);
      if (row.alone === true) return;
      assertEquals(await run(row.done, row, { env: nobody }), unreachable);
      // one of its own: the more is refused, the longer each refusal takes
      await using strict = await RunningBroker.start();
      assertEquals(await run(row.done, row, { env: wrongly, at: strict }), refused);
    });
  }
});

Deno.test("rabbitmqctl's other statuses are those of the documentation", async () => {
  await using running = await RunningBroker.start();
  const cases: readonly (readonly [args: string, code: number])[] = [
    ["add_user ann secret", 0],
    ["add_user ann secret", 70],
    ["authenticate_user ann wrong", 65],
    ["import_definitions /nope/nope", 65],
    ["set_vm_memory_high_watermark x", 65],
    ["change_password nope x", 67],
    ["clear_parameter c nope", 69],
    ["close_connection nope why", 69],
    ["reset", 64],
    ["await_online_nodes 2 --timeout 1", 75],
  ];
  for (const [words, code] of cases) {
    assertEquals((await running.run(...words.split(" "))).code, code, words);
    const again = words.startsWith("add_user") ? 70 : code;
    assertEquals((await running.ctl(...words.split(" "))).code, again, words);
  }
});

Deno.test("a store that there is not, and arguments about one, have the status of the documentation", async () => {
  const table = await readTable();
  for (const command of ["store check", "store repair"]) {
    const { missing, wrong } = table.get(command)!;
    const words = command.split(" ");
    const code = async (...args: readonly string[]) =>
      (await ended([...words, ...args], new RecordingTerminal())).code;
    assertEquals(await code("--data-dir=/nope/nope"), missing[0]);
    assertEquals(await code("--bogus"), wrong);
  }
});

/** Something that takes connections and says nothing, so that a command waits. */
async function waiting(args: readonly string[], signal: Deno.Signal): Promise<number> {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using program = new Program(
    {
      permissions: ["-A"],
      env: {
        WARREN_URL: `http://127.0.0.1:${silent.addr.port}`,
        WARREN_AMQP_URL: `amqp://127.0.0.1:${silent.addr.port}`,
      },
    },
    ...args,
  );
  using _connection = await silent.accept();
  program.signal(signal);
  return (await program.ended()).code;
}

/** So many programs run at the same time. */
const AT_ONCE = 4;

Deno.test({
  name: "who interrupts a command that waits for its broker gets the documented status",
  ignore: Deno.build.os === "windows",
  async fn() {
    const table = await readTable();
    const waits = Object.entries(ROWS).filter(([, { alone }]) => alone !== true);
    const cases: (() => Promise<void>)[] = waits.map(([name, row]) => async () => {
      const { interrupted } = table.get(name)!;
      // those that heed it do so when they have connected
      const expected = HEED.has(name) ? 130 : interrupted;
      assertEquals(await waiting(row.waits ?? row.done, "SIGINT"), expected, name);
      assertEquals(interrupted, HEED.has(name) || name === "top" ? 0 : 130, name);
    });
    cases.push(async () => {
      assertEquals(await waiting(ROWS["list KIND"]!.done, "SIGTERM"), 143);
    });
    const next = async () => {
      for (let one = cases.shift(); one !== undefined; one = cases.shift()) await one();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  },
});

Deno.test("top ends when the user wants it, also while the broker says nothing", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const terminal = new RecordingTerminal({
    env: { WARREN_URL: `http://127.0.0.1:${silent.addr.port}` },
  });
  const top = ended(["top"], terminal);
  const asking = [await silent.accept(), await silent.accept()];
  terminal.user.abort();
  assertEquals(await top, { code: 0, stdout: "", stderr: "" });
  for (const one of asking) one.close();
});

Deno.test({
  name: "who interrupts a command that goes on by itself gets the documented status",
  ignore: Deno.build.os === "windows",
  async fn() {
    const table = await readTable();
    await using running = await RunningBroker.start();
    await running.furnish();
    const begun: Readonly<Record<string, readonly [args: string[], until: RegExp]>> = {
      consume: [["consume", "orders"], /order 2/],
      top: [["top"], /orders/],
      bench: [["bench", "--seconds=60"], /./],
    };
    for (const [name, [args, until]] of Object.entries(begun)) {
      await using program = new Program({ permissions: ["-A"], env: running.env }, ...args);
      if (name === "bench") {
        // it prints nothing before its end: it has begun when it has acked something
        const acked = () => [...running.broker.meters("vhost")][0]?.values["ack"] ?? 0;
        const before = acked();
        while (acked() === before) await new Promise((resolve) => setTimeout(resolve));
      } else await program.linesUntil(until);
      program.signal("SIGINT");
      const { code, stderr } = await program.ended();
      assertEquals([code, stderr], [table.get(name)!.interrupted, ""], name);
    }
    assertEquals([...running.broker.queues()].map(({ messages }) => messages).sort(), [0, 0]);
  },
});
