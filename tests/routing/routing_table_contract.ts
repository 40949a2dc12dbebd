import { assertEquals, fail } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import type { RoutingTable } from "../../broker/routing/mod.ts";
import { asRouted, bindingTo, FoundList, namesFound, queue, queues } from "./support.ts";
import type { TestMessage } from "./support.ts";

/** How the suite speaks to one type of table. */
export interface RoutingTableCase {
  readonly name: string;
  create(): RoutingTable & { readonly empty: boolean };
  /** Bindings with these match `message`. They are two different ones. */
  readonly matching: readonly [Rule, Rule];
  /** A binding with this does not; a type that matches everything has none. */
  readonly other?: Rule;
  readonly message: TestMessage & { readonly routingKey: string };
}

interface Rule {
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/** What holds for the table of each exchange type. */
export function testRoutingTable(
  { name, create, matching: [first, second], other, message }: RoutingTableCase,
): void {
  const bind = (destination: string, rule: Rule) =>
    bindingTo(queue(destination), rule.routingKey, rule.arguments);

  Deno.test(`${name} finds nothing while nothing is bound`, () => {
    assertEquals(namesFound(create(), message), []);
  });

  Deno.test(`${name} finds each destination that matches`, () => {
    const table = create();
    table.add(bind("a", first));
    table.add(bind("b", second));
    assertEquals(namesFound(table, message), ["a", "b"]);
  });

  Deno.test(`${name} finds exchanges as well as queues`, () => {
    const table = create();
    table.add(bindingTo({ kind: "exchange", name: "next" }, first.routingKey, first.arguments));
    assertEquals(namesFound(table, message), ["next"]);
  });

  if (other !== undefined) {
    Deno.test(`${name} does not find what does not match`, () => {
      const table = create();
      table.add(bind("a", other));
      assertEquals(namesFound(table, message), []);
      table.add(bind("b", first));
      assertEquals(namesFound(table, message), ["b"]);
    });

    Deno.test(`${name}.remove() leaves bindings with other keys alone`, () => {
      const table = create();
      const removed = bind("a", other);
      table.add(removed);
      table.add(bind("b", first));
      table.remove(removed);
      assertEquals(namesFound(table, message), ["b"]);
    });
  }

  Deno.test(`${name}.remove() takes away one of several bindings`, () => {
    const table = create();
    const bindings = ["a", "b", "c"].map((destination) => bind(destination, first));
    bindings.forEach((binding) => table.add(binding));
    table.remove(bindings[1]!);
    assertEquals(namesFound(table, message), ["a", "c"]);
    table.remove(bindings[0]!);
    table.remove(bindings[2]!);
    assertEquals(namesFound(table, message), []);
  });

  Deno.test(`${name} finds a destination as long as one of its bindings matches`, () => {
    const table = create();
    const [a] = queues("a");
    const rules = [first, second, { ...first, arguments: { ...first.arguments, "x-note": 1 } }];
    const bindings = rules.map((rule) => bindingTo(a, rule.routingKey, rule.arguments));
    bindings.forEach((binding) => table.add(binding));
    for (const binding of bindings) {
      assertEquals(namesFound(table, message), ["a"]);
      table.remove(binding);
    }
    assertEquals(namesFound(table, message), []);
  });

  Deno.test(`${name} finds each of very many destinations, whichever go`, () => {
    const table = create();
    const bindings = Array.from({ length: 50 }, (_, index) => bind(`q${index + 10}`, first));
    bindings.forEach((binding) => table.add(binding));
    assertEquals(namesFound(table, message).length, 50);
    const kept = bindings.filter((_, index) => index % 7 === 3);
    for (const binding of bindings) {
      if (!kept.includes(binding)) table.remove(binding);
    }
    assertEquals(namesFound(table, message), kept.map(({ destination }) => destination.name));
  });

  Deno.test(`${name} keeps nothing of bindings that have gone`, () => {
    const table = create();
    const rules = other === undefined ? [first, second] : [first, second, other];
    const bindings = rules.flatMap((rule) =>
      Array.from({ length: 12 }, (_, index) => bind(`q${index}`, rule))
    );
    assertEquals(table.empty, true);
    for (const binding of bindings) table.add(binding);
    for (const binding of bindings) {
      assertEquals(table.empty, false);
      table.remove(binding);
    }
    assertEquals(table.empty, true);
  });

  Deno.test(`${name} does not change an array that it has given out`, () => {
    const table = create();
    const given: (readonly unknown[])[] = [];
    const look = () => {
      const all = table.lookup?.(message.routingKey);
      if (all !== undefined) given.push(all);
      table.route(message.routingKey, asRouted(message), {
        add() {},
        addAll: (destinations) => void given.push(destinations),
      });
    };
    const binding = bind("a", first);
    table.add(binding);
    look();
    const before = given.map((array) => [...array]);
    table.add(bind("b", first));
    look();
    table.remove(binding);
    look();
    assertEquals(given.slice(0, before.length), before);
  });

  if (create().lookup !== undefined) {
    Deno.test(`${name}.lookup() agrees with route()`, () => {
      const table = create();
      const [a, b] = queues("a", "b");
      for (const rule of other === undefined ? [first, second] : [first, second, other]) {
        table.add(bindingTo(a, rule.routingKey, rule.arguments));
        table.add(bindingTo(b, rule.routingKey, rule.arguments));
        const found = table.lookup!(message.routingKey)!;
        assertEquals(found.map(({ name }) => name).sort(), namesFound(table, message));
        assertEquals(new Set(found).size, found.length);
      }
    });
  }

  if (create().onlyKey !== undefined) {
    Deno.test(`${name}.onlyKey() is the key that the binding matches`, () => {
      const table = create();
      for (const rule of [first, second]) {
        const binding = bind("a", rule);
        const routingKey = table.onlyKey!(binding);
        table.add(binding);
        if (routingKey !== undefined) {
          assertEquals(namesFound(table, { ...message, routingKey }), ["a"]);
          assertEquals(namesFound(table, { ...message, routingKey: routingKey + "." }), []);
        }
        table.remove(binding);
      }
    });
  }

  if (create().cacheable) {
    Deno.test(`${name} does not look at headers`, () => {
      const table = create();
      table.add(bind("a", first));
      const found = new FoundList();
      const ask = () => fail("Headers were asked for");
      table.route(message.routingKey, { headers: ask, basicProperties: ask }, found);
      assertEquals(found.destinations.length, 1);
    });
  }
}
