import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { connect } from "../../client/connect.ts";
import { EVERYTHING, Issuer } from "../oauth/tokens.ts";
import { Program } from "./program.ts";

Deno.test("broker/main.ts lets in who shows a token, and nobody by a password when it is told so", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-oauth-" });
  try {
    const issuer = await Issuer.make();
    await Deno.writeTextFile(`${directory}/key.pem`, issuer.pem);
    await Deno.writeTextFile(`${directory}/keys.json`, JSON.stringify({ keys: [issuer.jwk] }));
    const aliases = { all: EVERYTHING.split(" ") };
    await Deno.writeTextFile(`${directory}/aliases.json`, JSON.stringify(aliases));
    const permissions = ["--allow-net=127.0.0.1,[::1]", `--allow-read=${directory}`];
    const common = ["--memory", "--port=0", "--oauth-resource-server-id=rabbitmq"];
    const ways = [
      { args: [`--oauth-key=one=${directory}/key.pem`], guest: true },
      { args: [`--oauth-jwks=${directory}/keys.json`, "--oauth-only"], guest: false },
    ];
    for (const { args, guest } of ways) {
      const all = [...common, ...args, `--oauth-scope-aliases=${directory}/aliases.json`];
      await using program = new Program({ permissions }, ...all);
      const lines = (await program.linesUntil(/^Server startup complete/)).join("\n");
      const port = Number(/^ {2}amqp:\/\/127\.0\.0\.1:(\d+)$/m.exec(lines)?.[1]);
      assertEquals(lines.includes("Log in as guest"), guest);
      const dial = (password: string) =>
        connect({ hostname: "127.0.0.1", port, username: "guest", password });
      await using connection = await dial(await issuer.token({ scope: "all" }));
      const channel = await connection.openChannel();
      await channel.queueDeclare("q");
      if (guest) await (await dial("guest")).close();
      else await assertRejects(() => dial("guest"), AmqpError, "Login was refused");
      program.signal("SIGTERM");
      assertEquals((await program.ended()).code, 0);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("broker/main.ts says in one line what is wrong with the files about tokens", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-oauth-" });
  try {
    await Deno.writeTextFile(`${directory}/text`, "nothing of the kind");
    await Deno.writeTextFile(`${directory}/object.json`, '{"a": 1}');
    const short = { keys: [{ kty: "oct", kid: "s", k: "c2VjcmV0" }] };
    await Deno.writeTextFile(`${directory}/short.json`, JSON.stringify(short));
    const cases = [
      ["--oauth-key=missing", /^warren: cannot read --oauth-key: .*\n$/],
      [`--oauth-key=${directory}/text`, /^warren: --oauth-key .* is neither a public key .*\n$/],
      [`--oauth-jwks=${directory}/text`, /^warren: --oauth-jwks \S+ is no JSON object .*\n$/],
      [
        `--oauth-jwks=${directory}/short.json`,
        /^warren: tokens cannot be judged: .* 32 octets .*\n$/,
      ],
      ["--oauth-issuer=http://id.example", /^warren: tokens cannot be judged: .* it takes https/],
      [`--oauth-jwks=${directory}/object.json`, /^warren: --oauth-jwks \S+ is no JSON Web .*\n$/],
    ] as const;
    await Promise.all(cases.map(async ([arg, complaint]) => {
      const permissions = ["--allow-net=127.0.0.1", "--allow-read"];
      const all = ["--memory", "--port=0", "--oauth-resource-server-id=r", arg];
      await using program = new Program({ permissions }, ...all);
      const { code, stderr } = await program.ended();
      assertEquals(code, 2);
      assertMatch(stderr, complaint);
    }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
