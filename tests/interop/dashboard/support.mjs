/** What the walk through the dashboard needs: a browser, a load, and what must never happen. */

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const PACKAGES = process.env.INTEROP_NODE_PACKAGES;
const require = createRequire(`${PACKAGES}/`);
const { chromium } = require("playwright-core");
const amqp = require("amqplib");

/** Undefined when the broker is not ours, which has no such page. */
export const served = process.env.AMQP_WS_URL !== undefined;
export const origin = `http://127.0.0.1:${process.env.MANAGEMENT_PORT}`;

/** Where pictures of all pages are kept. */
const PICTURES = `${PACKAGES}../dashboard/`;
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const DESK = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
const LOOKS = {
  dark: { colorScheme: "dark", viewport: DESK },
  light: { colorScheme: "light", viewport: DESK },
  phone: { colorScheme: "light", viewport: PHONE },
};

const LOGIN = `Basic ${btoa("guest:guest")}`;

/** Asks the management API by itself, to see what the page has done. */
export async function ask(method, path, body) {
  const response = await fetch(`${origin}/api${path}`, {
    method,
    headers: { authorization: LOGIN, "content-type": "application/json" },
    ...body === undefined ? {} : { body: JSON.stringify(body) },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/**
 * Runs a walk through the page, as somebody who has logged in and chosen a vhost that is made for it.
 * What the page said is told when the walk fails.
 */
export async function walk(vhost, steps) {
  if (!served) return;
  const at = `/vhosts/${encodeURIComponent(vhost)}`;
  await ask("PUT", at, { description: "of a test" });
  await ask("PUT", `/permissions/${encodeURIComponent(vhost)}/guest`, {
    configure: ".*",
    write: ".*",
    read: ".*",
  });
  const visitor = await Visitor.open();
  try {
    await visitor.enter(vhost);
    await steps(visitor);
    visitor.assertNoComplaints();
  } catch (error) {
    const said = await visitor.page.locator("body").innerText().catch(() => "");
    throw new Error(`${error.stack}\nThe page says:\n${said}`);
  } finally {
    await visitor.close();
    await ask("DELETE", at).catch(() => {});
  }
}

/** A page in a browser of its own that minds every complaint. */
export class Visitor {
  #axe;
  #browser;
  #complaints = [];
  page;

  /** Opens a browser that asks nobody else than `at`; `args` are for the browser itself. */
  static async open({ at = origin, args = [] } = {}) {
    const visitor = new Visitor();
    await mkdir(PICTURES, { recursive: true });
    visitor.#axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
    visitor.#browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-dev-shm-usage", ...args],
    });
    const page = await visitor.#browser.newPage({ viewport: DESK, acceptDownloads: true });
    page.setDefaultTimeout(60_000);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) {
        visitor.#note(`${message.text()} ${message.location().url}`);
      }
    });
    page.on("pageerror", (error) => visitor.#note(error.stack));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== at && url.protocol !== "blob:") visitor.#note(`asked ${url}`);
      if (/guest(:|%3A)|Z3Vlc3Q/.test(url.href) || url.username !== "") {
        visitor.#note(`credentials in ${url}`);
      }
    });
    visitor.page = page;
    return visitor;
  }

  #note(complaint) {
    this.#complaints.push(complaint);
  }

  /** What was complained of; one that is expected is taken out. */
  assertNoComplaints(expected = undefined) {
    const left = this.#complaints.filter((one) => expected === undefined || !expected.test(one));
    assert.deepEqual(left, []);
    this.#complaints = [];
  }

  /** Logs in, and chooses a vhost. */
  async enter(vhost) {
    const { page } = this;
    await page.goto(origin);
    await page.getByLabel("User").fill("guest");
    await page.getByLabel("Password").fill("guest");
    await this.click("Log in");
    await this.heading("Overview");
    await page.getByLabel("Virtual host", { exact: true }).selectOption({ label: vhost });
  }

  /** Waits for a page by its title. */
  async heading(name) {
    await this.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  }

  /** Goes to a place by its address. */
  async go(hash, heading) {
    await this.page.evaluate((to) => location.hash = to, hash);
    await this.heading(heading);
  }

  /** The text of what has the focus. */
  async focused() {
    return await this.page.evaluate(() => document.activeElement?.textContent ?? "");
  }

  /** Goes to a place by its name in the menu. */
  async visit(title) {
    await this.page.getByRole("navigation", { name: "Pages" })
      .getByRole("link", { name: title, exact: true }).click();
    await this.page.getByRole("heading", { level: 1, name: title }).waitFor();
  }

  /** Fills in the dialog that is open, and sends it, which closes it. */
  async fill(action, fields) {
    await this.send(action, fields);
    await this.page.getByRole("dialog").waitFor({ state: "detached" });
  }

  /** Fills in the dialog that is open, and sends it: it may be refused. */
  async send(action, fields) {
    const dialog = this.page.getByRole("dialog");
    for (const [label, value] of Object.entries(fields)) {
      const field = dialog.getByLabel(label, { exact: true });
      if (typeof value === "boolean") await field.setChecked(value);
      else if (await field.evaluate((element) => element.tagName) === "SELECT") {
        await field.selectOption(value);
      } else await field.fill(value);
    }
    await dialog.getByRole("button", { name: action, exact: true }).click();
  }

  /** Clicks a button of the page, not of a dialog. */
  async click(name, within = this.page.locator("main")) {
    await within.getByRole("button", { name, exact: true }).first().click();
  }

  /** Waits until something is said in the page. */
  async sees(text) {
    await this.page.getByText(text, { exact: typeof text === "string" }).first().waitFor();
  }

  /**
   * The page as it is now: nothing that keeps anybody out, dark or light, at a desk or on a phone; and
   * nothing to complain of beyond what is expected.
   */
  async inspect(name, expected = undefined) {
    const { page } = this;
    for (const [look, { colorScheme, viewport }] of Object.entries(LOOKS)) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= viewport.width, `${name} is ${wide} wide, ${look}`);
      await this.#assertAccessible(`${name}, ${look}`);
      await page.screenshot({ path: `${PICTURES}${name}-${look}.png` });
    }
    await page.setViewportSize(DESK);
    await page.emulateMedia({ colorScheme: "light" });
    this.assertNoComplaints(expected);
  }

  async #assertAccessible(name) {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send("Runtime.evaluate", { expression: this.#axe });
    await session.detach();
    // what fades in has too little contrast for a moment
    await this.page.evaluate(() =>
      Promise.all(
        document.getAnimations()
          .filter(({ effect }) => effect.getComputedTiming().endTime < Infinity)
          .map(({ finished }) => finished.catch(() => {})),
      )
    );
    const { violations } = await this.page.evaluate(
      (values) => globalThis.axe.run({ runOnly: { type: "tag", values } }),
      WCAG,
    );
    const told = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`)
    );
    assert.deepEqual(told, [], `${name} keeps people out`);
  }

  /** What a chart's canvas shows, as a number that changes with it. */
  async chartPixels(title) {
    return await this.page.getByRole("figure").filter({ hasText: title }).locator("canvas")
      .evaluate((canvas) => canvas.toDataURL());
  }

  /** How high the lines of a chart go: 0 is its lower edge, 1 the upper one. */
  async chartHeight(title) {
    return await this.page.getByRole("figure").filter({ hasText: title }).evaluate((figure) => {
      const canvas = figure.querySelector("canvas");
      // the page's own canvas is not for reading
      const { width, height } = canvas;
      const copy = Object.assign(document.createElement("canvas"), { width, height })
        .getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      const paints = [...figure.querySelectorAll("[class^=paint-]")].map((mark) =>
        getComputedStyle(mark).color.match(/\d+/g).map(Number)
      );
      for (let at = 0; at < data.length; at += 4) {
        const isLine = ([red, green, blue]) =>
          Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) +
              Math.abs(data[at + 2] - blue) < 12;
        if (data[at + 3] > 200 && paints.some(isLine)) {
          return 1 - Math.floor(at / 4 / width) / height;
        }
      }
      return 0;
    });
  }

  /** What it would show with nothing drawn on it. */
  async blankPixels(title) {
    return await this.page.getByRole("figure").filter({ hasText: title }).locator("canvas")
      .evaluate((canvas) => {
        const blank = document.createElement("canvas");
        blank.width = canvas.width;
        blank.height = canvas.height;
        return blank.toDataURL();
      });
  }

  async close() {
    await this.#browser.close();
  }
}

/** Connects as a client does, to one vhost. */
export async function connect(vhost) {
  const url = `amqp://guest:guest@127.0.0.1:${process.env.AMQP_PORT}/${encodeURIComponent(vhost)}`;
  const connection = await amqp.connect(url, { clientProperties: { connection_name: "walker" } });
  // the dashboard closes it
  connection.on("error", () => {});
  return { connection, channel: await connection.createChannel() };
}

/**
 * What the page asks at these addresses waits for its answer.
 *
 * @returns Lets it have them; its `asked` settles when the first is waited for.
 */
export async function holdAnswers(page, addresses) {
  const asked = signalled();
  const answered = signalled();
  await page.route(addresses, async (route) => {
    asked.give();
    await answered.given;
    // a page that was left does not wait for it any more
    await route.continue().catch(() => {});
  });
  const release = async () => {
    answered.give();
    await page.unroute(addresses);
  };
  return Object.assign(release, { asked: asked.given });
}

function signalled() {
  let give;
  const given = new Promise((resolve) => give = resolve);
  return { given, give };
}

/** Tries until it does not throw any more. */
export async function eventually(check, patienceMs = 60_000) {
  const end = Date.now() + patienceMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
