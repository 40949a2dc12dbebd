import { type Data, path } from "../api.ts";
import { h } from "../dom.ts";
import { attempt } from "../notice.ts";
import { button, card, head } from "../parts.ts";
import type { View } from "../view.ts";
import { tellVhostsChanged } from "../vhosts_changed.ts";

/** So long a browser may take to save a file. */
const KEPT_MS = 60_000;

/** Definitions files, to keep and to bring back. */
export async function showDefinitions(view: View): Promise<void> {
  const { api, vhost } = view;
  const of = vhost === undefined ? "" : path`/${vhost}`;
  const what = vhost === undefined ? "the whole broker" : `the virtual host ${vhost}`;
  const file = h("input", {
    type: "file",
    id: "definitions-file",
    accept: ".json,application/json",
  });
  const contents = h("p", { class: "muted" });

  const download = async () => {
    const told = await api.get(`/definitions${of}`);
    const blob = new Blob([JSON.stringify(told, undefined, 2)], { type: "application/json" });
    const href = URL.createObjectURL(blob);
    h("a", { href, download: fileName(vhost) }).click();
    setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
  };
  const upload = async () => {
    const [chosen] = file.files ?? [];
    if (chosen === undefined) throw new Error("Choose a file first.");
    await api.ask("POST", `/definitions${of}`, { body: await chosen.text() });
    file.value = "";
    tellVhostsChanged();
    await tell();
  };
  const tell = async () => {
    // the file itself may be of megabytes
    const told: Data = await api.get(`/definition-counts${of}`, view.signal);
    const parts = ["vhosts", "users", "queues", "exchanges", "bindings", "policies"]
      .filter((name) => typeof told[name] === "number")
      .map((name) => `${told[name]} ${name}`);
    contents.textContent = `Now: ${parts.join(", ")}.`;
  };
  view.main.append(
    head("Definitions"),
    h(
      "div",
      { class: "columns" },
      card(
        "Download",
        h("p", {}, `A file with everything that is declared in ${what}, without messages.`),
        contents,
        h("div", { class: "buttons start" }, button("Download", save, "primary")),
      ),
      card(
        "Upload",
        h("p", {}, `What is in the file is added to ${what}. What is there stays.`),
        h(
          "div",
          { class: "field" },
          h("label", { for: file.id }, "File, in RabbitMQ's form"),
          file,
        ),
        h("div", { class: "buttons start" }, button("Upload", load)),
      ),
    ),
  );
  await tell();

  function save(): void {
    void attempt(download(), "");
  }
  function load(): void {
    void attempt(upload(), "The definitions are in force.");
  }
}

function fileName(vhost: string | undefined): string {
  const day = new Date().toISOString().slice(0, 10);
  const of = vhost === undefined ? "" : `-${vhost.replace(/[^\w-]/g, "_")}`;
  return `definitions${of}-${day}.json`;
}
