import { type Api, ApiError, type Data } from "./api.ts";
import { h, setText } from "./dom.ts";
import { logo } from "./logo.ts";
import { notices } from "./notice.ts";
import { find, GROUPS, ROUTES } from "./routes.ts";
import { themeSwitch } from "./theme.ts";
import { VHOSTS_CHANGED } from "./vhosts_changed.ts";
import type { View } from "./view.ts";

const VHOST = "warren.vhost";
/** How often the server is asked again who this is, when it could not be reached. */
const AGAIN_MS = 2000;

/** What is around all pages: menu, choice of a vhost, theme, and who is logged in. */
export class Shell {
  readonly #api: Api;
  readonly #main = h("main", { id: "main", tabindex: "-1" });
  readonly #menu = h("nav", { class: "menu", "aria-label": "Pages" });
  readonly #vhosts = h("select", { id: "vhost", onchange: () => this.#chooseVhost() });
  readonly #user = h("span", { class: "user" });
  readonly #trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  readonly #closing = new AbortController();
  /** What does not go well at present, by who has said so. */
  readonly #troubles = new Map<object, unknown>();
  #tags: readonly string[] = [];
  #page = new AbortController();

  constructor(app: HTMLElement, api: Api, onLeave: () => void) {
    this.#api = api;
    const skip = () => this.#main.focus();
    const side = h(
      "header",
      { class: "side" },
      h("button", { type: "button", class: "skip", onclick: skip }, "Skip to content"),
      h("a", { class: "brand", href: "#/" }, logo(), "Warren"),
      this.#menu,
      h(
        "div",
        { class: "settings" },
        h("div", { class: "pick" }, h("label", { for: "vhost" }, "Virtual host"), this.#vhosts),
        themeSwitch(),
        h(
          "div",
          { class: "who" },
          this.#user,
          h("button", { type: "button", class: "quiet", onclick: onLeave }, "Log out"),
        ),
      ),
    );
    app.replaceChildren(
      h("div", { class: "shell" }, side, h("div", { class: "content" }, this.#trouble, this.#main)),
      notices(),
    );
    addEventListener("hashchange", () => this.#show(true), { signal: this.#closing.signal });
    document.addEventListener(
      VHOSTS_CHANGED,
      () => void this.#listVhosts().catch(() => {}),
      { signal: this.#closing.signal },
    );
    void this.#meet();
  }

  /** Ends what the page does. */
  close(): void {
    this.#page.abort();
    this.#closing.abort();
  }

  /** Who this is, and what may be seen. Nothing is shown before that is known. */
  async #meet(): Promise<void> {
    try {
      const who: Data = await this.#api.get("/whoami");
      if (this.#closing.signal.aborted) return;
      this.#user.textContent = who.name;
      this.#tags = who.tags;
      this.#report(this);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#report(this, error);
      setTimeout(() => void this.#meet(), AGAIN_MS);
      return;
    }
    this.#drawMenu();
    this.#show(false);
  }

  /** Lists them, again and again until it goes well: what is told as wrong must not stay when it is not. */
  async #tryVhosts(signal: AbortSignal, report: View["report"]): Promise<void> {
    try {
      await this.#listVhosts();
      report(this.#vhosts);
    } catch (error) {
      report(this.#vhosts, error);
      if (!signal.aborted) setTimeout(() => void this.#tryVhosts(signal, report), AGAIN_MS);
    }
  }

  /** They come and go, also by what is done on the pages. */
  async #listVhosts(): Promise<void> {
    const vhosts: Data[] = await this.#api.get("/vhosts?columns=name");
    const names = vhosts.map(({ name }) => name as string);
    if (this.#vhosts.dataset["names"] === names.join("\0")) return;
    this.#vhosts.dataset["names"] = names.join("\0");
    const chosen = sessionStorage.getItem(VHOST);
    if (chosen !== null && !names.includes(chosen)) {
      sessionStorage.removeItem(VHOST);
      this.#show(false);
    }
    this.#vhosts.replaceChildren(
      h("option", { value: "" }, "All"),
      ...names.map((name) => h("option", { value: `=${name}`, selected: name === chosen }, name)),
    );
  }

  #drawMenu(): void {
    const may = (tag: string | undefined) =>
      tag === undefined || this.#tags.includes("administrator") || this.#tags.includes(tag);
    const groups = GROUPS.map(({ name, title: heading }) => {
      const links = ROUTES
        .filter(({ title, tag, group }) => title !== undefined && group === name && may(tag))
        .map(({ path, title }) => h("li", {}, h("a", { href: `#/${path}` }, title)));
      const id = `menu-${name}`;
      if (heading === undefined) return h("ul", {}, ...links);
      return h("div", {}, h("h2", { id }, heading), h("ul", { "aria-labelledby": id }, ...links));
    });
    this.#menu.replaceChildren(...groups);
  }

  #markPlace(): void {
    const [place] = find(location.hash).route.path.split("/");
    for (const link of this.#menu.querySelectorAll("a")) {
      if (link.getAttribute("href") === `#/${place}`) {
        link.setAttribute("aria-current", "page");
        // on a phone the menu is a row that is wider than the screen
        link.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else link.removeAttribute("aria-current");
    }
  }

  #chooseVhost(): void {
    const { value } = this.#vhosts;
    if (value === "") sessionStorage.removeItem(VHOST);
    else sessionStorage.setItem(VHOST, value.slice(1));
    this.#show(false);
  }

  #show(moved: boolean): void {
    this.#page.abort();
    this.#page = new AbortController();
    const { signal } = this.#page;
    this.#troubles.clear();
    this.#tellTrouble();
    const { route, names } = find(location.hash);
    const main = h("div", { class: "page" });
    this.#main.replaceChildren(main);
    this.#markPlace();
    // it may have been left by the time that something goes wrong
    const report = (about: object, error?: unknown) => {
      if (!signal.aborted) this.#report(about, error);
    };
    void this.#tryVhosts(signal, report);
    const making = route.page({
      api: this.#api,
      main,
      names,
      tags: this.#tags,
      vhost: sessionStorage.getItem(VHOST) ?? undefined,
      signal,
      report,
    });
    Promise.resolve(making).catch((error) => report(main, error));
    const title = main.querySelector("h1")?.textContent ?? "Warren";
    document.title = `${title} · Warren`;
    if (!moved) return;
    scrollTo(0, 0);
    this.#main.focus({ preventScroll: true });
  }

  #report(about: object, error?: unknown): void {
    if (error === undefined) this.#troubles.delete(about);
    else this.#troubles.set(about, error);
    this.#tellTrouble();
  }

  #tellTrouble(): void {
    const [error] = this.#troubles.values();
    this.#trouble.hidden = error === undefined;
    const gone = error instanceof ApiError && error.status === 404;
    this.#main.classList.toggle("gone", gone);
    this.#main.classList.toggle("stale", error !== undefined && !gone);
    if (error !== undefined) setText(this.#trouble, textOf(error));
    // what was wrong once is said anew when it is wrong again
    else setText(this.#trouble, "");
  }
}

function textOf(error: unknown): string {
  if (error instanceof TypeError) {
    return "The server cannot be reached. What you see is old; this page keeps trying.";
  }
  if (error instanceof ApiError && error.status === 404) {
    return "What this page is about is not there, or not any longer.";
  }
  return error instanceof Error ? error.message : `${error}`;
}
