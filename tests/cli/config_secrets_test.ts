import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../broker/cli/arguments.ts";
import { readConfiguredOptions } from "../../broker/cli/configured_options.ts";
import { Program } from "./program.ts";
import { RecordingTerminal } from "./recording_terminal.ts";
import { ended } from "./running_broker.ts";

/** `guest`, as RabbitMQ 3.10.8 has encrypted it with `mypassphrase`: a binary. */
const BINARY = "encrypted:hn5J6FZH33S+DQtigfdeQsvA+zsiRHYFQk1mBPTkbtOVShrDxyiLBdVLw1pPoJ5Z";
/** And with `abc` in two other ways: a binary, and a text. */
const SLOWER = "encrypted:RVDaKhhTi2ZkvNMFe9UszedTcO2IyaQL9KCu3537YoGpMGIlshb5CtKOjUnkhQaH";
const TEXT = "encrypted:OBPyoNjjxinIKk3ZfUk18Px8vNcljyWIKNQypwu7aCQ+r1+cUMxocoCyP43KxXn/";
/** No text, but a list of terms. */
const TERMS = "encrypted:KohZYlk2wbK9bued/tN0+1MqhDb8RvM8BZRsLOh2UlMIcpo16aKQe/cqeSE3hpFu7K7/" +
  "phw3MuvBwy6fnxeGiQ==";

/** The options of a file, with a passphrase in another one. */
function configured(text: string, passphrase?: string, ...args: readonly string[]) {
  const folder = Deno.makeTempDirSync({ prefix: "warren-secrets-" });
  try {
    Deno.writeTextFileSync(`${folder}/rabbitmq.conf`, text);
    const more = passphrase === undefined ? [] : [`--config-passphrase-file=${folder}/passphrase`];
    if (passphrase !== undefined) Deno.writeTextFileSync(`${folder}/passphrase`, passphrase);
    return readConfiguredOptions([`--config=${folder}/rabbitmq.conf`, ...more, ...args]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const WAYS = [
  ["a binary", BINARY, "mypassphrase\n", []],
  ["a binary, other than usual", SLOWER, "abc\r\nmore", [
    "--config-encryption=aes_256_cbc,sha512,1000",
  ]],
  ["a text", TEXT, "abc", ["--config-encryption", "aes_128_cbc,sha256,7"]],
] as const;

for (const [what, value, passphrase, how] of WAYS) {
  Deno.test(`default_pass may be ${what} that RabbitMQ has encrypted`, () => {
    const text = `default_user = ann\ndefault_pass = ${value}\n`;
    const { defaultUser } = configured(text, passphrase, ...how);
    assertEquals(defaultUser, { name: "ann", password: "guest" });
  });
}

Deno.test("the passwords of keys for TLS may be encrypted, and what is not encrypted stays", () => {
  const { tls, managementTls, prometheusTls, defaultUser } = configured(
    `
    listeners.ssl.default = 5671
    ssl_options.certfile = /c.pem
    ssl_options.keyfile = /k.pem
    ssl_options.password = ${BINARY}
    management.ssl.port = 15671
    management.ssl.certfile = /c.pem
    management.ssl.keyfile = /k.pem
    management.ssl.password = '${BINARY}'
    prometheus.ssl.port = 15691
    prometheus.ssl.certfile = /c.pem
    prometheus.ssl.keyfile = /k.pem
    prometheus.ssl.password = clear:text
    default_pass = encrypted
    `,
    "mypassphrase",
  );
  const passphrases = [tls, managementTls, prometheusTls].map((one) => one?.options.passphrase);
  assertEquals(passphrases, ["guest", "guest", "clear:text"]);
  assertEquals(defaultUser?.password, "encrypted");
});

Deno.test("what encrypt_conf_value makes is read, be it written as a text or as a word", async () => {
  const terminal = () => new RecordingTerminal({});
  for (const value of ['<<"s3cret">>', '"s3cret"', "s3cret"]) {
    const args = ["rabbitmqctl", "-q", "encrypt_conf_value", value, "carrot"];
    const { code, stdout } = await ended(args, terminal());
    assertEquals(code, 0, value);
    const { defaultUser } = configured(`default_pass = ${stdout.trim()}\n`, "carrot");
    assertEquals(defaultUser?.password, "s3cret", value);
  }
});

const BAD: readonly (readonly [text: string, passphrase: string | undefined, why: RegExp])[] = [
  [
    BINARY,
    undefined,
    /conf:1: default_pass is encrypted: --config-passphrase-file has to say what/,
  ],
  [BINARY, "wrong", /conf:1: cannot decrypt default_pass: check the value, the passphrase and/],
  ["encrypted:", "abc", /conf:1: cannot decrypt default_pass/],
  ["encrypted:%%%", "abc", /conf:1: cannot decrypt default_pass/],
  [TERMS, "abc", /conf:1: cannot decrypt default_pass/],
  [BINARY, "\nabc", /--config-passphrase-file \S+ begins with no passphrase/],
];

for (const [value, passphrase, why] of BAD) {
  Deno.test(`${value.slice(0, 20)} with the passphrase ${passphrase} is refused`, () => {
    const error = assertThrows(
      () => configured(`default_pass = ${value}\n`, passphrase),
      UsageError,
    );
    assertMatch(error.message, why);
    assertEquals(error.message.includes(value), false);
  });
}

Deno.test("options for what is encrypted need a file, and make sense", () => {
  const refused = (...args: readonly string[]) =>
    assertThrows(() => readConfiguredOptions(args), UsageError).message;
  assertEquals(
    refused("--config-passphrase-file=p"),
    "--config-passphrase-file goes with --config",
  );
  assertEquals(
    refused("--config-encryption=a,b,1"),
    "--config-encryption goes with --config",
  );
  const bad = (how: string) =>
    assertThrows(() => configured("", "abc", `--config-encryption=${how}`), UsageError).message;
  for (
    const how of ["", "nope,sha256,1", "aes_128_cbc,nope,1", "aes_128_cbc,sha256,0", "a,b,c,d"]
  ) {
    assertMatch(bad(how), /--config-encryption takes a cipher, a hash and a number of iterations/);
  }
  const alone = assertThrows(
    () => configured("", undefined, "--config-encryption=x"),
    UsageError,
  );
  assertEquals(alone.message, "--config-encryption needs --config-passphrase-file");
  const missing = assertThrows(
    () => configured("", undefined, "--config-passphrase-file=/nope/passphrase"),
    UsageError,
  );
  assertMatch(missing.message, /^cannot read --config-passphrase-file: /);
});

Deno.test("broker/main.ts lets its first user in by a password that was encrypted", async () => {
  const folder = await Deno.makeTempDir({ prefix: "warren-secrets-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.writeTextFile(
    `${folder}/rabbitmq.conf`,
    `default_user = ann\ndefault_pass = ${BINARY}\n`,
  );
  await Deno.writeTextFile(`${folder}/passphrase`, "mypassphrase\n");
  await using program = new Program(
    { permissions: ["-A"] },
    ...["--memory", "--port", "0", "--management-port", "0"],
    ...["--config", `${folder}/rabbitmq.conf`, "--config-passphrase-file", `${folder}/passphrase`],
  );
  const lines = await program.linesUntil(/^Server startup complete/);
  const url = /management API on (http:\S+)/.exec(lines.join("\n"))![1]!;
  const login = async (password: string) => {
    const headers = { authorization: `Basic ${btoa(`ann:${password}`)}` };
    const response = await fetch(`${url}/api/whoami`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals([await login("guest"), await login(BINARY)], [200, 401]);
});
