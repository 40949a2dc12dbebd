/** Whether the walks would notice: each thing that must never happen is made to happen here. */

import assert from "node:assert/strict";
import { origin, served, Visitor } from "./support.mjs";

/** What is done to the page, and what has to be said of it. */
const MISHAPS = [
  // deno-lint-ignore no-console -- that is what is to be noticed
  ["an error on the console", () => console.error("something broke"), /something broke/],
  ["an error nobody catches", () => void setTimeout(() => undefined.nothing), /TypeError/],
  ["a script in the page", () => {
    const script = document.createElement("script");
    // what is refused is refused by Trusted Types or by script-src
    try {
      script.textContent = "document.title = 'run'";
    } catch {
      // and by throwing
    }
    document.head.append(script);
  }, /Content Security Policy|TrustedScript/],
  [
    "a style in the page",
    () => document.body.setAttribute("style", "color: red"),
    /Content Security Policy/,
  ],
  ["a picture from elsewhere", () => {
    document.body.append(Object.assign(new Image(), { src: "https://example.org/a.png", alt: "" }));
  }, /Content Security Policy|asked https:\/\/example\.org/],
  [
    "a request to elsewhere",
    () => void fetch("https://example.org/").catch(() => {}),
    /example\.org/,
  ],
  ["something that is not there", () => void fetch("nothing"), /404/],
  [
    "an image that nobody describes",
    () => document.querySelector("main").append(document.createElement("img")),
    /image-alt/,
  ],
  [
    "a text that nobody can read",
    () => document.querySelector("label").style.color = "rgb(200, 200, 200)",
    /color-contrast/,
  ],
  [
    "a field without a label",
    () => document.querySelector("form").append(document.createElement("input")),
    /label/,
  ],
  [
    "something too wide",
    () => {
      const wide = document.createElement("div");
      wide.style.width = "3000px";
      wide.textContent = "wide";
      document.querySelector("main").append(wide);
    },
    /is \d+ wide/,
  ],
];

if (served) {
  for (const [what, happen, expected] of MISHAPS) {
    const visitor = await Visitor.open();
    try {
      await visitor.page.goto(origin);
      await visitor.page.getByLabel("Password").waitFor();
      visitor.assertNoComplaints();
      await visitor.page.evaluate(happen);
      await assert.rejects(visitor.inspect("alertness"), expected, what);
    } finally {
      await visitor.close();
    }
  }
}
