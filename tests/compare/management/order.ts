/** What names a thing of a list; what both choose themselves is named by neither. */
const NAMED_BY: readonly (readonly string[])[] = [
  ["vhost", "source", "destination_type", "destination", "routing_key", "arguments"],
  ["vhost", "user", "exchange"],
  ["vhost", "user", "configure"],
  ["vhost", "component", "name"],
  ["vhost", "name"],
  ["name"],
  ["consumer_tag"],
  ["vhost"],
  ["user"],
];

/** Tells when two lists have what is in both in another order. */
export function differentOrder(rabbitmq: unknown, warren: unknown): string[] {
  if (!Array.isArray(rabbitmq) || !Array.isArray(warren)) return [];
  const [theirs, ours] = [namesIn(rabbitmq), namesIn(warren)];
  const [one, other] = [
    theirs.filter((name) => ours.includes(name)),
    ours.filter((name) => theirs.includes(name)),
  ].map((names) => names.join(" "));
  return one === other ? [] : [`order: ${one} in RabbitMQ, ${other} in Warren`];
}

function namesIn(list: readonly unknown[]): string[] {
  return list.flatMap((item) => {
    if (typeof item !== "object" || item === null) return [];
    const fields = item as Readonly<Record<string, unknown>>;
    const by = NAMED_BY.find((names) => names.every((name) => name in fields));
    return by === undefined ? [] : [JSON.stringify(by.map((name) => fields[name]))];
  });
}
