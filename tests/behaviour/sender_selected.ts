import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import type { BehaviourCase } from "../support/harness.ts";
import { closing, confirmation, drain, headersOf, settled, take, untilReady } from "./observe.ts";

/** A header that is no list of texts, and how that is refused. */
function refusedHeader(name: string, value: FieldValue, what: string): BehaviourCase {
  return {
    name: `${name} may not be ${what}`,
    async run({ openChannel, queue }) {
      const other = await openChannel();
      const properties = { headers: { [name]: value } };
      other.basicPublish({ routingKey: await queue(), properties }, "");
      return await closing(other);
    },
    expect: [
      406,
      `PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"${name}",${what}}`,
      "basic.publish",
    ],
  };
}

/** Messages whose headers name further routing keys. */
export const senderSelected: readonly BehaviourCase[] = [
  ...["CC", "BCC"].flatMap((name): readonly BehaviourCase[] => [
    {
      name: `the keys in ${name} are routed as well, through a direct exchange`,
      async run({ channel, exchange, queue }) {
        const source = await exchange("direct");
        const queues = [await queue("one"), await queue("two"), await queue("three")];
        for (const [index, bound] of queues.entries()) {
          await channel.queueBind({ queue: bound, exchange: source, routingKey: `${index}` });
        }
        await channel.confirmSelect();
        const properties = { headers: { [name]: ["1", "none"] } };
        await channel.basicPublish({ exchange: source, routingKey: "0", properties }, "a");
        const got = [];
        for (const bound of queues) got.push(await drain(channel, bound));
        return got;
      },
      expect: [["a"], ["a"], []],
    },
    {
      name: `the keys in ${name} are routed as well, through a topic exchange`,
      async run({ channel, exchange, queue }) {
        const source = await exchange("topic");
        const [one, two] = [await queue("one"), await queue("two")];
        await channel.queueBind({ queue: one, exchange: source, routingKey: "a.*" });
        await channel.queueBind({ queue: two, exchange: source, routingKey: "#.z" });
        await channel.confirmSelect();
        const properties = { headers: { [name]: ["x.y.z"] } };
        await channel.basicPublish({ exchange: source, routingKey: "a.b", properties }, "a");
        return [await drain(channel, one), await drain(channel, two)];
      },
      expect: [["a"], ["a"]],
    },
    {
      name: `the keys in ${name} are names of queues for the default exchange`,
      async run({ channel, queue }) {
        const [one, two] = [await queue("one"), await queue("two")];
        await channel.confirmSelect();
        const properties = { headers: { [name]: [two, "no such queue"] } };
        await channel.basicPublish({ routingKey: one, properties }, "a");
        return [await drain(channel, one), await drain(channel, two)];
      },
      expect: [["a"], ["a"]],
    },
    {
      name: `a queue gets one copy, however many keys in ${name} lead there`,
      async run({ channel, exchange, queue }) {
        const [source, one] = [await exchange("direct"), await queue("one")];
        for (const routingKey of ["a", "b", "c"]) {
          await channel.queueBind({ queue: one, exchange: source, routingKey });
        }
        await channel.confirmSelect();
        const properties = { headers: { [name]: ["b", "c", "b", "a"] } };
        await channel.basicPublish({ exchange: source, routingKey: "a", properties }, "1");
        const twice = { headers: { [name]: [one, one] } };
        await channel.basicPublish({ routingKey: one, properties: twice }, "2");
        return await drain(channel, one);
      },
      expect: ["1", "2"],
    },
    {
      name: `a message that only a key in ${name} leads to a queue is not returned`,
      async run({ channel, queue }) {
        const one = await queue("one");
        await channel.confirmSelect();
        let returned = 0;
        channel.onReturn = () => returned++;
        const properties = { headers: { [name]: [one] } };
        const options = { routingKey: "no such queue", mandatory: true, properties };
        const confirmed = await confirmation(channel, options, "1");
        return [confirmed, returned, await drain(channel, one)];
      },
      expect: ["ack", 0, ["1"]],
    },
    {
      name: `the keys in ${name} count in a transaction`,
      async run({ channel, openChannel, exchange, queue }) {
        const source = await exchange("direct");
        const [one, two] = [await queue("one"), await queue("two")];
        await channel.queueBind({ queue: two, exchange: source, routingKey: "b" });
        const other = await openChannel();
        await other.txSelect();
        await other.basicPublish(
          { routingKey: "none", properties: { headers: { [name]: [one] } } },
          "1",
        );
        await other.basicPublish({
          exchange: source,
          routingKey: "a",
          properties: { headers: { [name]: ["b"] } },
        }, "2");
        await other.txCommit();
        return [await drain(channel, one), await drain(channel, two)];
      },
      expect: [["1"], ["2"]],
    },
    {
      name: `an empty list in ${name} is fine`,
      async run({ channel, queue }) {
        const one = await queue("one");
        await channel.confirmSelect();
        const properties = { headers: { [name]: [] } };
        await channel.basicPublish({ routingKey: one, properties }, "1");
        return await drain(channel, one);
      },
      expect: ["1"],
    },
    refusedHeader(name, "text", "longstr"),
    refusedHeader(name, 1, "signedint"),
    refusedHeader(name, true, "bool"),
    refusedHeader(name, { a: 1 }, "table"),
    refusedHeader(name, null, "void"),
    {
      name: `what is no text in ${name} does not count`,
      async run({ channel, queue }) {
        const [one, two] = [await queue("one"), await queue("two")];
        await channel.confirmSelect();
        const properties = { headers: { [name]: [1, [one], two, null] } };
        await channel.basicPublish({ routingKey: "none", properties }, "1");
        return [await drain(channel, one), await drain(channel, two)];
      },
      expect: [[], ["1"]],
    },
  ]),
  {
    name: "CC is kept and BCC is taken out, other headers stay",
    async run({ channel, queue }) {
      const [one, two, three] = [await queue("one"), await queue("two"), await queue("three")];
      await channel.confirmSelect();
      const headers = { first: 1, CC: [two], BCC: [three], last: "x" };
      const properties = { headers, contentType: "text/plain", messageId: "m" };
      await channel.basicPublish({ routingKey: one, properties }, "1");
      const got: unknown[] = [];
      for (const name of [one, two, three]) {
        const delivery = await take(channel, name);
        const { headers: _, ...others } = delivery.properties;
        got.push([delivery.routingKey, headersOf(delivery), others]);
      }
      return got;
    },
    expect: Array(3).fill([
      "one",
      { first: 1, CC: ["two"], last: "x" },
      { contentType: "text/plain", messageId: "m" },
    ]),
  },
  {
    name: "where BCC is the only header none is left",
    async run({ channel, queue }) {
      const one = await queue("one");
      const properties = { headers: { BCC: ["none"] } };
      await channel.basicPublish({ routingKey: one, properties }, "1");
      await untilReady(channel, one, 1);
      return (await take(channel, one)).properties;
    },
    expect: { headers: {} },
  },
  {
    name: "a message that is returned tells nobody of BCC",
    async run({ channel }) {
      await channel.confirmSelect();
      const returned = Promise.withResolvers<FieldTable | undefined>();
      channel.onReturn = ({ properties }) => returned.resolve(properties.headers);
      const properties = { headers: { CC: ["none"], BCC: ["neither"] } };
      await channel.basicPublish({ routingKey: "nobody", mandatory: true, properties }, "1");
      return await returned.promise;
    },
    expect: { CC: ["none"] },
  },
  {
    name: "the names are in capitals",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await channel.confirmSelect();
      const properties = { headers: { cc: [two], bcc: [two], CCC: [two] } };
      await channel.basicPublish({ routingKey: one, properties }, "1");
      return [headersOf(await take(channel, one)), await drain(channel, two)];
    },
    expect: [{ cc: ["two"], bcc: ["two"], CCC: ["two"] }, []],
  },
  {
    name: "what is in tables in the headers does not count",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await channel.confirmSelect();
      const properties = { headers: { nested: { CC: [two], BCC: 1 } } };
      await channel.basicPublish({ routingKey: one, properties }, "1");
      await settled(two, channel);
      return [headersOf(await take(channel, one)), await drain(channel, two)];
    },
    expect: [{ nested: { CC: ["two"], BCC: 1 } }, []],
  },
];
