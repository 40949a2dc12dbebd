/** What kind of thing an answer is: its keys and the types behind them, but no values. */
export type Shape =
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, Shape> }
  | { readonly kind: "list"; readonly items: Shape | undefined }
  | { readonly kind: "scalar"; readonly types: ReadonlySet<string> };

/** The shape of something that JSON can say. */
export function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) {
    const items = value.map(shapeOf);
    return {
      kind: "list",
      items: items.length === 0 ? undefined : items.reduce((one, other) => merged(one, other)),
    };
  }
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, item]) => [name, shapeOf(item)] as const);
    return { kind: "object", fields: new Map(fields) };
  }
  return { kind: "scalar", types: new Set([value === null ? "null" : typeof value]) };
}

/** What differs between two shapes, as lines such as `items[].memory: only in RabbitMQ`. */
export function differences(
  rabbitmq: Shape | undefined,
  warren: Shape | undefined,
  path = "",
): string[] {
  if (rabbitmq === undefined || warren === undefined) return [];
  const at = path === "" ? "." : path;
  if (rabbitmq.kind !== warren.kind) {
    return [`${at}: ${nameOf(rabbitmq)} in RabbitMQ, ${nameOf(warren)} in Warren`];
  }
  if (rabbitmq.kind === "list" && warren.kind === "list") {
    const items = `${path}[]`;
    // nothing could differ in what is not there
    if (rabbitmq.items === undefined && warren.items !== undefined) {
      return [`${items}: empty in RabbitMQ`];
    }
    if (rabbitmq.items !== undefined && warren.items === undefined) {
      return [`${items}: empty in Warren`];
    }
    return differences(rabbitmq.items, warren.items, items);
  }
  if (rabbitmq.kind === "object" && warren.kind === "object") {
    const names = new Set([...rabbitmq.fields.keys(), ...warren.fields.keys()]);
    return [...names].sort().flatMap((name) => {
      const [theirs, ours] = [rabbitmq.fields.get(name), warren.fields.get(name)];
      const field = path === "" ? name : `${path}.${name}`;
      if (theirs === undefined) return [`${field}: only in Warren`];
      if (ours === undefined) return [`${field}: only in RabbitMQ`];
      return differences(theirs, ours, field);
    });
  }
  const same = nameOf(rabbitmq) === nameOf(warren);
  return same ? [] : [`${at}: ${nameOf(rabbitmq)} in RabbitMQ, ${nameOf(warren)} in Warren`];
}

function nameOf(shape: Shape): string {
  return shape.kind === "scalar" ? [...shape.types].sort().join(" or ") : shape.kind;
}

function merged(one: Shape, other: Shape): Shape {
  if (one.kind === "object" && other.kind === "object") {
    const fields = new Map(one.fields);
    for (const [name, shape] of other.fields) {
      const before = fields.get(name);
      fields.set(name, before === undefined ? shape : merged(before, shape));
    }
    return { kind: "object", fields };
  }
  if (one.kind === "list" && other.kind === "list") {
    if (one.items === undefined || other.items === undefined) {
      return one.items === undefined ? other : one;
    }
    return { kind: "list", items: merged(one.items, other.items) };
  }
  if (one.kind === "scalar" && other.kind === "scalar") {
    return { kind: "scalar", types: new Set([...one.types, ...other.types]) };
  }
  return one;
}
