import { path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { notify } from "../notice.ts";
import type { View } from "../view.ts";

const PATTERN = "A regular expression of names: .* for all, empty for none";

/** Whose permissions they are, and where; what is not given is asked for. */
export interface Whose {
  readonly user?: string;
  readonly vhost?: string;
}

/** Asks what a user may do in a vhost. True when it was set. */
export function setPermissions({ api, vhost: chosen = "/" }: View, whose: Whose): Promise<boolean> {
  return showForm({
    title: titleOf(whose, "Set permissions"),
    action: "Save",
    fields: [
      ...whoseFields(whose, chosen),
      { name: "configure", label: "Configure", value: ".*", hint: PATTERN },
      { name: "write", label: "Write", value: ".*" },
      { name: "read", label: "Read", value: ".*" },
    ],
    submit: async (values) => {
      const { vhost, user, ...body } = { ...whose, ...values };
      await api.ask("PUT", path`/permissions/${vhost!}/${user!}`, { body });
      notify("The permissions are set.");
    },
  });
}

/** Asks which routing keys a user may use with a topic exchange. True when it was set. */
export function setTopicPermissions(
  { api, vhost: chosen = "/" }: View,
  whose: Whose,
): Promise<boolean> {
  return showForm({
    title: titleOf(whose, "Set permissions for topics"),
    action: "Save",
    fields: [
      ...whoseFields(whose, chosen),
      { name: "exchange", label: "Exchange", value: "amq.topic", required: true },
      { name: "write", label: "Write", value: ".*", hint: "A regular expression of routing keys" },
      { name: "read", label: "Read", value: ".*" },
    ],
    submit: async (values) => {
      const { vhost, user, ...body } = { ...whose, ...values };
      await api.ask("PUT", path`/topic-permissions/${vhost!}/${user!}`, { body });
      notify("The permissions are set.");
    },
  });
}

function titleOf({ user, vhost }: Whose, otherwise: string): string {
  if (user !== undefined) return `What ${user} may do`;
  return vhost === undefined ? otherwise : `What somebody may do in ${vhost}`;
}

function whoseFields({ user, vhost }: Whose, chosen: string) {
  return [
    ...user === undefined ? [{ name: "user", label: "User", required: true }] : [],
    ...vhost === undefined
      ? [{ name: "vhost", label: "Virtual host", value: chosen, required: true }]
      : [],
  ];
}
