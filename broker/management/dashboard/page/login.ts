import type { Api } from "./api.ts";
import { h } from "./dom.ts";
import { logo } from "./logo.ts";

/** Asks who it is. */
export function showLogin(app: HTMLElement, api: Api, onDone: () => void): void {
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const name = h("input", {
    id: "login-name",
    name: "name",
    autocomplete: "username",
    autocapitalize: "off",
    spellcheck: "false",
    required: true,
  });
  const password = h("input", {
    id: "login-password",
    name: "password",
    type: "password",
    autocomplete: "current-password",
  });
  const button = h("button", { class: "primary", type: "submit" }, "Log in");
  const submit = async (event: Event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await api.logIn(name.value, password.value);
      onDone();
    } catch (cause) {
      error.textContent = cause instanceof Error ? cause.message : `${cause}`;
      error.hidden = false;
      password.select();
    } finally {
      button.disabled = false;
    }
  };
  app.replaceChildren(h(
    "main",
    { class: "login" },
    h(
      "form",
      { class: "card", onsubmit: submit },
      h("h1", {}, logo(), "Warren"),
      h("div", { class: "field" }, h("label", { for: "login-name" }, "User"), name),
      h("div", { class: "field" }, h("label", { for: "login-password" }, "Password"), password),
      error,
      button,
    ),
  ));
  document.title = "Log in · Warren";
  name.focus();
}
