import { h } from "./dom.ts";
import { type Field, fieldElement, readFields, type Values } from "./fields.ts";

/** A form that is to be filled in. */
export interface Form {
  readonly title: string;
  /** What is to be known before. */
  readonly text?: string;
  readonly fields?: readonly Field[];
  /** What its button says. */
  readonly action: string;
  /** True when what it does cannot be undone. */
  readonly dangerous?: boolean;
  /** Does it. The form stays open when it throws, and tells why. */
  readonly submit: (values: Values) => Promise<unknown>;
}

let number = 0;

/** Shows a form above the page; true when what it does was done. */
export function showForm(form: Form): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const id = `dialog-${++number}`;
  const error = h("p", { class: "error", role: "alert", hidden: true });
  const button = h(
    "button",
    { class: form.dangerous === true ? "danger" : "primary", type: "submit" },
    form.action,
  );
  const fields = form.fields ?? [];
  const body = h(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        error.hidden = true;
        try {
          await form.submit(readFields(body, fields));
          done = true;
          dialog.close();
        } catch (cause) {
          error.textContent = cause instanceof Error ? cause.message : `${cause}`;
          error.hidden = false;
        } finally {
          button.disabled = false;
        }
      },
    },
    h("h2", { id }, form.title),
    form.text === undefined ? undefined : h("p", {}, form.text),
    ...fields.map((field) => fieldElement(field, id)),
    error,
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      button,
    ),
  );
  let done = false;
  const dialog = h(
    "dialog",
    {
      "aria-labelledby": id,
      onclose: () => {
        dialog.remove();
        resolve(done);
      },
    },
    body,
  );
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}
