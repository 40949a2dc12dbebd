import { assert, assertEquals } from "@std/assert";
import { fieldOfForm } from "../../broker/management/multipart.ts";
import { RandomValues } from "../amqp/random_values.ts";

const TYPE = 'multipart/form-data; boundary="b"';

/** A form as a browser sends it, byte by byte. */
function form(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text.replaceAll("\n", "\r\n"));
}

async function read(
  text: string,
  { type = TYPE, name = "file" }: { readonly type?: string; readonly name?: string } = {},
): Promise<string | undefined> {
  const found = await fieldOfForm(form(text), type, name);
  return found && new TextDecoder().decode(found);
}

const HEAD = 'Content-Disposition: form-data; name="file"';

const FORMS: readonly (readonly [what: string, text: string, found: string | undefined])[] = [
  ["a file", `--b\n${HEAD}; filename="x"\n\nabc\n--b--\n`, "abc"],
  ["a text", `--b\n${HEAD}\n\nabc\n--b--\n`, "abc"],
  ["nothing", `--b\n${HEAD}\n\n\n--b--\n`, ""],
  ["nothing, and no line for it", `--b\n${HEAD}\n\n--b--\n`, ""],
  ["more headers", `--b\ncontent-type: a/b\n${HEAD}\nX: ü\n\nabc\n--b--`, "abc"],
  ["its name without quotes", `--b\nCONTENT-DISPOSITION: Form-Data;NAME=file\n\nabc\n--b--`, "abc"],
  ["the second field", `--b\n${HEAD.replace("file", "x")}\n\n1\n--b\n${HEAD}\n\n2\n--b--`, "2"],
  ["the first of two", `--b\n${HEAD}\n\n1\n--b\n${HEAD}\n\n2\n--b--`, "1"],
  ["something before it", `hello\n--b\n${HEAD}\n\nabc\n--b--\nbye`, "abc"],
  ["blanks behind delimiters", `--b \t\n${HEAD}\n\nabc\n--b \n--b--`, "abc"],
  [
    "what is nearly a delimiter",
    `--b\n${HEAD}\n\n\n--bb\n--b-\n-b--\n--b--`,
    "\r\n--bb\r\n--b-\r\n-b--",
  ],
  [
    "its name in a file's name",
    `--b\n${HEAD.replace("file", 'x"; filename="file')}\n\n\n--b--`,
    undefined,
  ],
  ["another name", `--b\n${HEAD.replace("file", "files")}\n\nabc\n--b--`, undefined],
  ["no end", `--b\n${HEAD}\n\nabc\n`, undefined],
  ["an end that is cut off", `--b\n${HEAD}\n\nabc\n--b`, undefined],
  ["no empty line", `--b\n${HEAD}\n--b--`, undefined],
  ["no headers", `--b\n\nabc\n--b--`, undefined],
  ["another boundary", `--c\n${HEAD}\n\nabc\n--c--`, undefined],
  ["an end at once", `--b--\n${HEAD}\n\nabc\n--b--`, undefined],
  ["no form", "abc", undefined],
  ["nothing at all", "", undefined],
];

for (const [what, text, found] of FORMS) {
  Deno.test(`fieldOfForm() reads a form with ${what}`, async () => {
    assertEquals(await read(text), found);
  });
}

Deno.test("fieldOfForm() needs a boundary", async () => {
  const text = `--b\n${HEAD}\n\nabc\n--b--\n`;
  for (const type of ["multipart/form-data;BOUNDARY=b;charset=utf-8", TYPE]) {
    assertEquals(await read(text, { type }), "abc");
  }
  for (const more of ["", "; boundary=", '; boundary=""', `; boundary=${"b".repeat(71)}`]) {
    assertEquals(await read(text, { type: `multipart/form-data${more}` }), undefined);
  }
});

Deno.test("a form of very many parts keeps nobody waiting", async () => {
  let rounds = 0;
  const timer = setInterval(() => rounds++);
  const part = "\n--b\nx: y\n\n";
  assertEquals(await read(`${part.repeat(200_000)}\n--b\n${HEAD}\n\nabc\n--b--`), "abc");
  clearInterval(timer);
  // the runtime's timers go off each time that it rests
  assert(rounds > 5, `others had ${rounds} chances`);
});

Deno.test("fieldOfForm() finds in any form what the runtime finds, and in no part of one anything else", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new RandomValues(seed);
    const data = new FormData();
    const names = ["file", "other", "filename"];
    for (let count = random.below(4); count >= 0; count--) {
      const pieces = Array.from(
        { length: random.below(8) },
        () =>
          random.pick(["\r", "\n", "\r\n", "--", "-", "\r\n--", "\r\n\r\n", "\0", random.text(30)]),
      );
      const name = random.pick(names);
      if (random.boolean()) data.append(name, new File([pieces.join("")], "x.json"));
      else data.append(name, pieces.join(""));
    }
    const response = new Response(data);
    const type = response.headers.get("content-type")!;
    const bytes = await response.bytes();
    const found = await fieldOfForm(bytes, type, "file");
    const expected =
      await (await new Response(bytes, { headers: { "content-type": type } }).formData())
        .get("file");
    const whole = expected === null
      ? undefined
      : new Uint8Array(await new Response(expected).arrayBuffer());
    assertEquals(found, whole, `seed ${seed}`);
    const cut = bytes.subarray(0, random.below(bytes.length));
    const part = await fieldOfForm(cut, type, "file");
    assert(part === undefined || whole !== undefined, `seed ${seed}`);
    if (part !== undefined) assertEquals(part, whole, `seed ${seed}, cut at ${cut.length}`);
  }
});
