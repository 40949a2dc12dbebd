import { assert, assertEquals, assertThrows } from "@std/assert";
import { compilePattern } from "../../broker/pattern/pattern.ts";
import { computedMs } from "../support/computed.ts";

Deno.test("compilePattern() understands what RabbitMQ's users write", () => {
  const cases: readonly (readonly [pattern: string, yes: string[], no: string[]])[] = [
    ["", ["", "anything"], []],
    [".*", ["", "anything"], []],
    ["^amq\\.", ["amq.gen"], ["amqp", "my.amq.gen"]],
    ["^(?!amq\\.).*", ["jobs", ""], ["amq.gen"]],
    ["jobs", ["all.jobs.here"], ["job"]],
    ["(?i)^JOBS$", ["jobs", "Jobs"], ["jobs."]],
    ["\\Ajobs\\z", ["jobs"], ["jobs.", "my.jobs"]],
    ["^[[:alpha:]_]+-\\d{2,3}$", ["ab_-12", "z-123"], ["a-1", "1-12"]],
    ["^[]a]$", ["]", "a"], ["[", "b"]],
    ["^[^.]+\\.q$", ["a.q"], ["a.b.q", ".q"]],
    ["^x{,3}$", ["x{,3}"], ["xx"]],
    ["^(?P<env>dev|test)-(in|out)(\\.dlq)?$", ["dev-in", "test-out.dlq"], ["prod-in", "dev-in.dl"]],
    ["^a\\-b\\_\\x41\\x{42}$", ["a-b_AB"], ["a-b_ab"]],
    ["^[a\\-c]$", ["a", "-", "c"], ["b"]],
    ["^[\\w-.]+$", ["a-b.c"], ["a b"]],
    ["a|^b$", ["xax", "b"], ["bb"]],
    ["^([a-z]+\\.)+events$", ["a.bc.events"], ["events", "a..events"]],
  ];
  for (const [pattern, yes, no] of cases) {
    const expression = compilePattern(pattern);
    for (const name of yes) assert(expression.test(name), `${pattern} matches ${name}`);
    for (const name of no) assert(!expression.test(name), `${pattern} does not match ${name}`);
  }
});

Deno.test("compilePattern() refuses what is malformed, or what RegExp would read in another way", () => {
  const malformed = [
    "(",
    "a)",
    "[a",
    "[a-",
    "[z-a]",
    "[a-\\d]",
    "[[:nope:]]",
    "*a",
    "a**",
    "^*",
    "a{3,2}",
    "a++",
    "a\\",
    "[a\\",
    "\\q",
    "\\x",
    "(a)\\1",
    "(?>a)",
    "(?#comment)",
    "(?=a)*",
    "(?<n>a)(?<n>b)",
  ];
  for (const pattern of malformed) {
    assertThrows(() => compilePattern(pattern), SyntaxError, undefined, pattern);
  }
});

Deno.test("compilePattern() refuses what could run for ever", () => {
  const endless = [
    "^(a+)+$",
    "(a*)*",
    "(a?)*b",
    "(a|a)*b",
    "(a|ab|b)*c",
    "(\\w+\\s?)*$",
    "(.*,)*x",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "([[:alpha:]]+)*1",
    "((a{2,9}){2,9}){2,9}b",
    ".*a.*b.*c.*d",
    "(?=(a+)+b)",
    "(^a+|b)+$",
    "([^a]+b?)*c",
  ];
  for (const pattern of endless) {
    assertThrows(() => compilePattern(pattern), SyntaxError, "could take too long", pattern);
  }
  assertThrows(() => compilePattern("((a{100}){100}){100}"), SyntaxError, "too large");
  assertThrows(() => compilePattern("a".repeat(1025)), RangeError);
  assertThrows(() => compilePattern("ä".repeat(513)), RangeError);
  compilePattern("a".repeat(1024));
});

Deno.test("the patterns that compilePattern() takes give the worst names up soon", () => {
  const cases = [
    ["a.*a.*b", "a".repeat(255)],
    ["^a.*a.*a.*b", "a".repeat(255)],
    ["^(.+)-(.+)-(.+)-$", "-".repeat(254) + "x"],
    ["(\\w+\\.)*\\w+!", "a.".repeat(127)],
    ["^([a-z]+\\.)+events$", "a".repeat(255)],
  ] as const;
  for (const [pattern, name] of cases) {
    const expression = compilePattern(pattern);
    const start = computedMs();
    assertEquals(expression.test(name), false);
    // some milliseconds; those that are refused would take years
    assert(computedMs() - start < 2000, pattern);
  }
});

/** Numbers that look random and are the same each time. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** An expression made up of everything that may take long together. */
function randomPattern(random: (below: number) => number): string {
  const atoms = ["a", "b", ".", "[ab]", "[^b]", "\\w"];
  const groups = ["(", "(?:", "(?=", "(?!"];
  const quantifiers = ["", "", "*", "+", "?", "{2,3}", "{1,}", "*?"];
  const many = (count: number, make: () => string) => Array.from({ length: count }, make);
  const item = (depth: number): string => {
    const at = random(depth > 0 ? 10 : 6);
    if (at < 6) return atoms[at]! + quantifiers[random(8)];
    const group = `${groups[at - 6]}${choice(depth - 1)})`;
    return at < 8 ? group + quantifiers[random(8)] : group;
  };
  const choice = (depth: number): string =>
    many(1 + random(2), () => many(1 + random(4), () => item(depth)).join("")).join("|");
  return ["", "^"][random(2)] + choice(3) + ["", "$", "!!"][random(3)];
}

Deno.test("no pattern that compilePattern() takes is slow, whatever it is made of", () => {
  const random = randomNumbers(20261123);
  const names = ["a".repeat(255), "ab".repeat(127) + "!", "b".repeat(250) + "c"];
  const count = { taken: 0, refused: 0 };
  for (let round = 0; round < 1500; round++) {
    const pattern = randomPattern(random);
    let expression: RegExp;
    try {
      expression = compilePattern(pattern);
    } catch (error) {
      assert(error instanceof SyntaxError, pattern);
      count.refused++;
      continue;
    }
    count.taken++;
    const start = computedMs();
    for (const name of names) expression.test(name);
    assert(computedMs() - start < 2000, pattern);
  }
  assert(count.taken > 200 && count.refused > 200, JSON.stringify(count));
});
