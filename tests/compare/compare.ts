import { connect } from "../../client/connect.ts";
import { BEHAVIOUR } from "../behaviour/mod.ts";
import { SLOW_WIRE, WIRE } from "../behaviour/wire.ts";
import { type Observation, observe, observeWire, type ServedBroker } from "../support/harness.ts";

/** So many cases run at once: most of them wait for a broker most of the time. */
const CASES_AT_ONCE = 12;

/** What was seen of both brokers, as texts that are equal when it was the same. */
export interface Comparison {
  /** Area and name of the case. */
  readonly title: string;
  /** What RabbitMQ showed. */
  readonly rabbitmq: string;
  /** What Warren showed. */
  readonly warren: string;
}

/** Runs the cases whose title contains `only` against both brokers; tells of each in order. */
export async function* compareAll(
  rabbitmq: ServedBroker,
  warren: ServedBroker,
  only: string,
): AsyncGenerator<Comparison> {
  const waiting = listCases()
    .filter(({ title }) => title.includes(only))
    .map((titled) => ({ ...titled, compared: Promise.withResolvers<Comparison>() }));
  const all = waiting.map(({ compared }) => compared.promise);
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      next.compared.resolve(await compareOne(next.title, next.seen, rabbitmq, warren));
    }
  };
  const workers = Array.from({ length: CASES_AT_ONCE }, work);
  for (const comparison of all) yield await comparison;
  await Promise.all(workers);
}

/** How it begins when a case does not come to its end. */
const UNFINISHED = "thrown: Cannot finish case within";

async function compareOne(
  title: string,
  seen: (broker: ServedBroker) => Promise<Observation>,
  ...brokers: readonly [ServedBroker, ServedBroker]
): Promise<Comparison> {
  const [first, warren] = await Promise.all(brokers.map((broker) => describe(seen(broker))));
  // its streams say nothing once in a while where they answer at other times; nobody is asked twice but it
  const rabbitmq = first!.startsWith(UNFINISHED) ? await describe(seen(brokers[0])) : first;
  return { title, rabbitmq: rabbitmq!, warren: warren! };
}

interface TitledCase {
  readonly title: string;
  readonly seen: (broker: ServedBroker) => Promise<Observation>;
}

function listCases(): TitledCase[] {
  const cases: TitledCase[] = [];
  for (const [area, areaCases] of Object.entries(BEHAVIOUR)) {
    for (const behaviour of areaCases) {
      cases.push({
        title: `${area}: ${behaviour.name}`,
        seen: ({ port }) => observe(behaviour, () => connect({ hostname: "127.0.0.1", port })),
      });
    }
  }
  for (const [area, areaCases] of Object.entries({ ...SLOW_WIRE, ...WIRE })) {
    for (const wireCase of areaCases) {
      cases.push({
        title: `${area}: ${wireCase.name}`,
        seen: (broker) => observeWire(wireCase, broker),
      });
    }
  }
  return cases;
}

/** An observation as a text; what went wrong is an observation too. */
async function describe(observation: Promise<Observation>): Promise<string> {
  try {
    return Deno.inspect(await observation, {
      depth: 20,
      sorted: true,
      strAbbreviateSize: Infinity,
      iterableLimit: Infinity,
      breakLength: 100,
    });
  } catch (error) {
    return `thrown: ${error instanceof Error ? error.message : error}`;
  }
}
