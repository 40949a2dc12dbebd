import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { decodeTerm, encodeTerm } from "../../broker/cli/rabbitmqctl/erlang_external.ts";
import { prettyTerm } from "../../broker/cli/rabbitmqctl/erlang_pretty.ts";
import { parseTerm } from "../../broker/cli/rabbitmqctl/erlang_source.ts";
import { ended } from "./running_broker.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

/** What RabbitMQ 3.10.8 made with `rabbitmqctl encode`. */
const MADE_BY_RABBITMQ: readonly (readonly [
  text: string,
  how: readonly string[],
  value: string,
])[] = [
  ["hn5J6FZH33S+DQtigfdeQsvA+zsiRHYFQk1mBPTkbtOVShrDxyiLBdVLw1pPoJ5Z", [
    "mypassphrase",
  ], '<<"guest">>'],
  ["RVDaKhhTi2ZkvNMFe9UszedTcO2IyaQL9KCu3537YoGpMGIlshb5CtKOjUnkhQaH", [
    "abc",
    ...["--cipher", "aes_256_cbc", "--hash", "sha512", "--iterations", "1000"],
  ], '<<"guest">>'],
  ["OBPyoNjjxinIKk3ZfUk18Px8vNcljyWIKNQypwu7aCQ+r1+cUMxocoCyP43KxXn/", [
    "abc",
    ...["--iterations", "7", "--hash", "sha256"],
  ], '"guest"'],
  [
    "KohZYlk2wbK9bued/tN0+1MqhDb8RvM8BZRsLOh2UlMIcpo16aKQe/cqeSE3hpFu7K7/phw3MuvBwy6fnxeGiQ==",
    ["abc", "--cipher", "aes_128_cbc"],
    "[{a,1},-2.5]",
  ],
  ["qIWL4/xOT2lEdMwWWdIrOvPcq9VEVTU78+EkKVL4LTHuC/c3uylj1g==", [
    "abc",
    "--cipher",
    "des_ede3_cbc",
  ], '<<"guest">>'],
];

function ctl(args: readonly string[], input = "") {
  return ended(["rabbitmqctl", ...args], new RecordingTerminal({ input }));
}

for (const [text, how, value] of MADE_BY_RABBITMQ) {
  Deno.test(`rabbitmqctl decode reads what RabbitMQ made of ${value}, ${how.join(" ")}`, async () => {
    assertEquals(await ctl(["decode", `{encrypted,<<"${text}">>}`, ...how]), {
      code: 0,
      stdout: `Decrypting value...\n${value}\n`,
      stderr: "",
    });
  });
}

Deno.test("rabbitmqctl encode makes what decode reads, and never the same twice", async () => {
  const ways = [[], ["--cipher", "aes_128_cbc"], ["--cipher=des_ede3_cbc", "--hash", "sha256"], [
    "--iterations",
    "7",
    "--hash=sha3_512",
  ]];
  const values = ['<<"guest">>', '"a text"', "[{a,1},{'B c',-2.5}]", "<<0,1,2>>", "true", "[]"];
  const seen = new Set<string>();
  for (const how of ways) {
    for (const value of values) {
      const { code, stdout } = await ctl(["encode", value, "secret", ...how]);
      assertEquals(code, 0);
      const made = /^Encrypting value \.\.\.\n(\{encrypted,\s*<<"[\w+/=]+">>\})\n$/.exec(
        stdout,
      )![1]!;
      seen.add(made);
      assertEquals((await ctl(["-q", "decode", made, "secret", ...how])).stdout, `${value}\n`);
      const bare = made.replace(/^\{encrypted,\s*/, "").slice(0, -1);
      assertEquals((await ctl(["-q", "decode", bare, "secret", ...how])).stdout, `${value}\n`);
      const wrong = await ctl(["decode", made, "other", ...how]);
      assertEquals(wrong.code, 69);
      assertMatch(wrong.stderr, /^Error:\nFailed to decrypt the value\. Things to check: is the/);
    }
  }
  assertEquals(seen.size, ways.length * values.length);
});

Deno.test("rabbitmqctl encrypt_conf_value makes what stands in rabbitmq.conf", async () => {
  const { stdout } = await ctl(["-q", "encrypt_conf_value", '<<"guest">>', "secret"]);
  assertMatch(stdout, /^encrypted:[\w+/=]+\n$/);
  for (const value of [stdout.trim(), `"${stdout.trim()}"`]) {
    const { stdout: plain } = await ctl(["-q", "decrypt_conf_value", value, "secret"]);
    assertEquals(plain, '<<"guest">>\n');
  }
});

Deno.test("rabbitmqctl encode asks for what is not said", async () => {
  const first = await ctl(["-q", "encode"], '<<"guest">>\nsecret\n');
  const second = await ctl(["-q", "encode", '<<"guest">>'], "secret\n");
  for (const { stdout } of [first, second]) {
    const { stdout: plain } = await ctl(["-q", "decode", stdout.trim()], "secret");
    assertEquals(plain, '<<"guest">>\n');
  }
  assertNotEquals(first.stdout, second.stdout);
  for (const args of [["encode"], ["encode", "a"], ["decode", "a"]]) {
    const { code, stderr } = await ctl(args);
    assertEquals([code, stderr], [69, "Error:\nnot_enough_args\n"]);
  }
});

Deno.test("rabbitmqctl encode refuses what it does not know, and what is no term", async () => {
  const refused: readonly (readonly [how: readonly string[], code: number, text: RegExp])[] = [
    [["--cipher", "nope"], 65, /Bad argument: The requested cipher is not supported\.\n/],
    [["--hash", "nope"], 65, /Bad argument: The requested hash is not supported\n/],
    [["--iterations", "0"], 65, /Bad argument: The requested number of iterations is incorrect\n/],
  ];
  for (const [how, code, text] of refused) {
    const answer = await ctl(["encode", "a", "secret", ...how]);
    assertEquals([answer.code, answer.stdout], [code, ""]);
    assertMatch(answer.stderr, text);
  }
  for (const value of ["a b(", "A", "{a", "<<a>>", "1 + 2", '"open', ""]) {
    assertEquals(await ctl(["-q", "encode", value, "secret"]), {
      code: 69,
      stdout: "",
      stderr: "Error:\nError during cipher operation\n",
    });
  }
});

/** Terms as they are written, as they are printed, and as octets. */
const TERMS: readonly (readonly [source: string, printed: string, octets: readonly number[]])[] = [
  ["ok", "ok", [119, 2, 111, 107]],
  ["'A b'", "'A b'", [119, 3, 65, 32, 98]],
  ["255", "255", [97, 255]],
  ["-1", "-1", [98, 255, 255, 255, 255]],
  ["16#ff", "255", [97, 255]],
  ["$a", "97", [97, 97]],
  ["2147483648", "2147483648", [110, 4, 0, 0, 0, 0, 128]],
  ["-2147483649", "-2147483649", [110, 4, 1, 1, 0, 0, 128]],
  ["1.0", "1.0", [70, 63, 240, 0, 0, 0, 0, 0, 0]],
  ["{}", "{}", [104, 0]],
  ["[1000, a]", "[1000,a]", [108, 0, 0, 0, 2, 98, 0, 0, 3, 232, 119, 1, 97, 106]],
  ['"a\\n" "b"', '"a\\nb"', [107, 0, 3, 97, 10, 98]],
  ['<<"a", 0>>', "<<97,0>>", [109, 0, 0, 0, 2, 97, 0]],
  ["[] % nothing", "[]", [106]],
];

for (const [source, printed, octets] of TERMS) {
  Deno.test(`Erlang's terms: ${source} as octets, and back`, () => {
    const term = parseTerm(source);
    assertEquals(prettyTerm(term), printed);
    const encoded = encodeTerm(term);
    assertEquals([...encoded], [131, ...octets]);
    assertEquals(prettyTerm(decodeTerm(encoded)), printed);
  });
}

Deno.test("octets that are no term are refused, however they end", () => {
  const whole = encodeTerm(parseTerm('[{a,"b"},<<"c">>,2147483648,1.5]'));
  for (let end = 0; end < whole.length; end++) {
    assertThrows(() => decodeTerm(whole.subarray(0, end)), TypeError);
  }
  for (const octets of [[131], [131, 108, 255, 255, 255, 255], [131, 80, 0], [1, 106]]) {
    assertThrows(() => decodeTerm(new Uint8Array(octets)), TypeError);
  }
  assertThrows(() => decodeTerm(new Uint8Array([...whole, 0])), TypeError);
});
