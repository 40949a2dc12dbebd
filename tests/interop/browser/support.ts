/** What the programs with a browser share: pages on loopback, a browser that opens them, results. */

import { BackgroundProcess } from "../background_process.ts";
import { Tab } from "./support.tab.ts";

/** A name that this browser takes for this machine, and a broker for a stranger's. */
export const STRANGER = "stranger.example";

/** How long a page may take. */
const PATIENCE_MS = 60_000;

const PROJECT = new URL("../../../", import.meta.url).pathname;

/** What can be asked for by its path, with its type. */
export type Files = ReadonlyMap<string, { readonly type: string; readonly text: string }>;

/** A page with a script of the folder `pages/`, and the modules that the script imports. */
export async function readFiles(script: string, modules: Record<string, string>): Promise<Files> {
  const text = await Deno.readTextFile(new URL(`pages/${script}`, import.meta.url));
  return new Map([
    ["/", {
      type: "text/html",
      text: `<!doctype html><script type="module" src="/page.js"></script>`,
    }],
    ["/page.js", { type: "text/javascript", text }],
    ...Object.entries(modules).map(([path, text]) =>
      [path, { type: "text/javascript", text }] as const
    ),
  ]);
}

/** The client of CloudAMQP, as its package has it for browsers. */
export async function cloudamqpClient(): Promise<string> {
  const packages = Deno.env.get("INTEROP_NODE_PACKAGES");
  const file = "node_modules/@cloudamqp/amqp-client/dist/amqp-websocket-client.mjs";
  return await Deno.readTextFile(packages + file);
}

/** The client of Warren, bundled as somebody's page would. */
export async function warrenClient(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser", "client/websocket.ts"],
    cwd: PROJECT,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}

/** The broker's address for WebSocket; undefined when it has none. */
export const webSocketUrl: string | undefined = Deno.env.get("AMQP_WS_URL");

/** Serves files to a page and takes its report. */
export class Site implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #report = Promise.withResolvers<unknown>();

  /**
   * @param files What it serves.
   * @param doIt What a page may ask for, besides taking its report, by the path that it posts to.
   */
  constructor(files: Files, doIt: Readonly<Record<string, () => void>> = {}) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (
      request,
    ) => {
      const { pathname } = new URL(request.url);
      if (request.method === "POST" && pathname === "/report") {
        this.#report.resolve(await request.json());
        return new Response(null, { status: 204 });
      }
      if (request.method === "POST" && doIt[pathname] !== undefined) {
        doIt[pathname]();
        return new Response(null, { status: 204 });
      }
      const file = files.get(pathname);
      return file === undefined
        ? new Response("There is no such file\n", { status: 404 })
        : new Response(file.text, { headers: { "Content-Type": file.type } });
    });
  }

  /** Where the page is; its script finds the broker's address in the fragment. */
  page(broker: string, host = "127.0.0.1"): string {
    return `http://${host}:${this.#server.addr.port}/#${encodeURIComponent(broker)}`;
  }

  /** What the page posted, once it has. */
  get report(): Promise<unknown> {
    return this.#report.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** How it went. */
export interface Visit {
  /** What the page has posted. */
  readonly report: unknown;
  /** The HTTP statuses with which its WebSockets were answered. */
  readonly statuses: readonly string[];
}

/** Opens a page in a browser of its own, and waits for its report. */
export async function visit(site: Site, url: string): Promise<Visit> {
  const profile = await Deno.makeTempDir({ prefix: "chromium-" });
  try {
    await using browser = new BackgroundProcess({
      command: "chromium",
      args: [
        "--headless",
        "--no-sandbox", // it refuses to run as root with one
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--remote-debugging-port=0",
        `--user-data-dir=${profile}`,
        `--host-resolver-rules=MAP ${STRANGER} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
      ],
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", HOME: profile },
    });
    const [, devtools] = await browser.waitForOutput(/DevTools listening on (\S+)/, PATIENCE_MS);
    using tab = await Tab.open(devtools!);
    await tab.navigate(url);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`The page reported nothing:\n${browser.output}`)),
        PATIENCE_MS,
      );
    });
    const visited = Promise.all([site.report, tab.firstStatuses()]);
    const [report, statuses] = await Promise.race([visited, tooLate])
      .finally(() => clearTimeout(timer));
    return { report, statuses };
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}

/** What both clients' pages report when all is well. */
export const EXPECTED: unknown = {
  confirmed: 4,
  received: [[0, "", 0], [5, "hello", 1], [5, "grüße", 2], [300_000, "xxxxx", 3]],
  error: "NOT_FOUND - no queue 'missing' in vhost '/'",
  messageCount: 0,
};
