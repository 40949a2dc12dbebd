import type { Data } from "./api.ts";
import { type Child, h } from "./dom.ts";
import { bytes, inline } from "./format.ts";

const PEEK = 160;

/** A message that can be opened: in short, its properties, its body. */
export function messageElement(
  { badge, where, facts, message }: {
    /** What is so about it. */
    readonly badge: string;
    /** Its exchange and routing key. */
    readonly where: string;
    /** More than its properties say. */
    readonly facts: readonly (readonly [string, string])[];
    /** Properties and body, as the API has them. */
    readonly message: Data;
  },
  actions: readonly Child[] = [],
): HTMLDetailsElement {
  const { payload, payload_encoding, payload_bytes, properties } = message;
  const rows = [...facts, ...propertyRows(properties)];
  return h(
    "details",
    { class: "message" },
    h(
      "summary",
      {},
      h("span", { class: badge === "ready" ? "badge good" : "badge" }, badge),
      h("span", {}, where),
      h("span", { class: "peek" }, `${payload ?? ""}`.slice(0, PEEK)),
      h("span", { class: "muted" }, bytes(payload_bytes)),
    ),
    h(
      "div",
      { class: "inside" },
      h(
        "dl",
        { class: "facts" },
        ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      ),
      payload === undefined ? undefined : h("pre", { tabindex: "0" }, bodyText(message)),
      payload_encoding === "base64"
        ? h("p", { class: "muted" }, "The body is no text: it is shown in base64.")
        : undefined,
      actions.length === 0 ? undefined : h("div", { class: "actions" }, ...actions),
    ),
  );
}

function propertyRows(properties: Data): [string, string][] {
  return Object.entries(properties ?? {}).flatMap(([name, value]): [string, string][] =>
    name === "headers"
      ? Object.entries(value as object).map(([header, one]) => [header, inline(one)])
      : [[name.replaceAll("_", " "), inline(value)]]
  );
}

/** The body; JSON with indentation. */
function bodyText({ payload, payload_encoding }: Data): string {
  if (payload_encoding !== "string" || !/^\s*[{[]/.test(payload)) return payload;
  try {
    return JSON.stringify(JSON.parse(payload), undefined, 2);
  } catch {
    return payload;
  }
}
