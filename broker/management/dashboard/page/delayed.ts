import { type Data, path } from "./api.ts";
import { h } from "./dom.ts";
import { bytes, count, duration, moment } from "./format.ts";
import { attempt } from "./notice.ts";
import { button, confirmed, listCard } from "./parts.ts";
import { Table } from "./table.ts";
import { repeat, type View } from "./view.ts";

const EVERY_MS = 2000;
const PAGE = 20;

/** The messages that an exchange holds back, the one that is due first at the top. */
export function delayedList(view: View, vhost: string, exchange: string): HTMLElement {
  const at = path`/exchanges/${vhost}/${exchange}/delayed`;
  let offset = 0;
  const cancel = async ({ id }: Data) => {
    const work = async () => {
      const { deleted } = await view.api.ask("DELETE", at, { body: { ids: [id] } });
      if (deleted === 0) throw new Error("It has gone out already.");
    };
    const text = "It will never be published.";
    await confirmed("Cancel this message?", text, "Cancel message", work, "It was cancelled.");
    await refresh();
  };
  const publish = async ({ id }: Data) => {
    await attempt(
      view.api.ask("POST", `${at}/publish`, { body: { ids: [id] } }),
      "It is on its way.",
    );
    await refresh();
  };
  const table = new Table<Data>(
    "Delayed messages",
    [
      { title: "Due", text: ({ due_at }) => moment(due_at) },
      { title: "In", numeric: true, text: ({ due_at }) => duration(due_at - Date.now()) },
      { title: "Routing key", text: ({ routing_key }) => routing_key },
      {
        title: "Size",
        numeric: true,
        minor: true,
        text: ({ payload_bytes }) => bytes(payload_bytes),
      },
      {
        title: "Actions",
        numeric: true,
        text: () => "",
        draw: (_, now) =>
          h(
            "span",
            { class: "rowactions" },
            button("Publish now", () => void publish(now()), "small"),
            button("Cancel", () => void cancel(now()), "small danger"),
          ),
      },
    ],
    ({ id }) => `${id}`,
    "Nothing is held back.",
  );
  const where = h("span", { class: "muted" });
  const turn = (by: number) => () => {
    offset = Math.max(0, offset + by);
    void refresh();
  };
  const before = button("Previous", turn(-PAGE));
  const after = button("Next", turn(PAGE));
  const pager = h("nav", { class: "pager", "aria-label": "Pages of delayed messages" });
  pager.append(before, where, after);
  const refresh = repeat(view, EVERY_MS, async () => {
    const told = await view.api.get(`${at}?offset=${offset}&limit=${PAGE + 1}`, view.signal);
    const shown = told.slice(0, PAGE);
    table.set(shown);
    before.disabled = offset === 0;
    after.disabled = told.length <= PAGE;
    pager.hidden = offset === 0 && told.length <= PAGE;
    where.textContent = `${count(offset + 1)} to ${count(offset + shown.length)}`;
  });
  return listCard("Delayed messages", [], table.element, pager);
}
