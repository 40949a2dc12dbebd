import { assertEquals } from "@std/assert";
import { ROOT } from "./program.ts";
import { RunningBroker } from "./running_broker.ts";

Deno.test({
  name: "two lines of shell make a rabbitmqctl of it, for scripts that call that",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using running = await RunningBroker.start();
    const folder = await Deno.makeTempDir();
    const main = new URL("broker/main.ts", ROOT).pathname;
    const script =
      `#!/bin/sh\nexec '${Deno.execPath()}' run --quiet -A '${main}' rabbitmqctl "$@"\n`;
    await Deno.writeTextFile(`${folder}/rabbitmqctl`, script, { mode: 0o755 });
    const call = async (line: string, stdin = "") => {
      const command = new Deno.Command("/bin/sh", {
        args: ["-c", `printf '${stdin}' | ${line}`],
        env: { ...running.env, PATH: `${folder}:${Deno.env.get("PATH")}` },
        cwd: ROOT,
      });
      const { code, stdout, stderr } = await command.output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      return { code, out, err };
    };
    assertEquals(await call("rabbitmqctl -q add_user 'bob b' && rabbitmqctl -s list_users", "p"), {
      code: 0,
      out: "Done. Don't forget to grant the user permissions to some virtual hosts! See " +
        "'rabbitmqctl help set_permissions' to learn more.\nbob b\t[]\nguest\t[administrator]\n",
      err: "",
    });
    assertEquals((await call("rabbitmqctl -q delete_user nobody")).code, 67);
    // who reads the first line alone ends the program, and not with an error
    assertEquals((await call("rabbitmqctl list_exchanges | head -n 1")).err, "");
    await Deno.remove(folder, { recursive: true });
  },
});
