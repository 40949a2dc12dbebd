import { assertEquals } from "@std/assert";
import { RandomValues } from "../amqp/random_values.ts";
import type { Figures } from "../support/broker_program.ts";
import { Attacker, AttackTally } from "./attacker.ts";
import { Phrases } from "./mutations.ts";
import { Pulse } from "./pulse.ts";
import { dial, type Ports, wayOf } from "./ways.ts";
import { type Account, WELL_BEHAVED, WellBehaved } from "./well_behaved.ts";

/**
 * Millions of almost-right frames over many connections, beside clients that behave. It goes on in
 * rounds: each has a seed of its own, the one after the last one's, and begins with nothing that the
 * attackers before have left.
 *
 * @module
 */

/** Clients that behave. */
const WELL_BEHAVED_CLIENTS = 4;
/** Phrases that a round's mutated ones are made of. */
const PHRASES = 3000;

/** The broker that is attacked. */
export interface Target extends Ports {
  /** True when those that behave keep their messages on disk. */
  readonly onDisk?: boolean;
  /** Deletes what the attackers left. */
  clean(keep: string): Promise<void>;
  /** What it has in memory, and what went wrong. */
  figures(): Promise<Figures>;
}

/** How much of it. */
export interface CampaignOptions {
  /** Decides what the attackers say. */
  readonly seed: number;
  /** Mutated frames that the broker must have read, in all. */
  readonly frames: number;
  /** Of them in a round. */
  readonly framesPerRound: number;
  /** Attackers at once. */
  readonly attackers: number;
  /** Is told after each round. */
  readonly onRound?: (round: Round) => void;
  /** True when it is to end early. */
  readonly stop?: () => boolean;
}

/** What is known after a round. */
export interface Round {
  readonly seed: number;
  readonly tally: AttackTally;
  readonly figures: Figures;
}

/** What came of all of it. */
export interface CampaignReport {
  readonly tally: AttackTally;
  /** Of the clients that behaved. */
  readonly accounts: readonly Account[];
}

/** Attacks a broker. Fails when a message is not accounted for, or something was not foreseen. */
export async function runCampaign(
  target: Target,
  options: CampaignOptions,
): Promise<CampaignReport> {
  const { frames, framesPerRound, attackers, onRound, stop = () => false } = options;
  const tally = new AttackTally();
  await using pulse = await Pulse.start(target.port);
  const clients = [];
  for (let index = 0; index < WELL_BEHAVED_CLIENTS; index++) {
    clients.push(await WellBehaved.start(target.port, index, target.onDisk ?? false));
  }
  let attacking = true;
  const accounts = Promise.all(clients.map((client) => client.run(() => attacking)));
  // whoever fails first ends it
  accounts.catch(() => attacking = false);
  try {
    for (let { seed } = options; attacking && tally.mutatedRead < frames && !stop(); seed++) {
      const until = Math.min(frames, tally.mutatedRead + framesPerRound);
      const goOn = () => attacking && tally.mutatedRead < until;
      await runRound(target, { seed, attackers, tally, pulse, goOn });
      await target.clean(WELL_BEHAVED);
      const figures = await target.figures();
      assertEquals(figures.errors, [], `with --seed ${seed}`);
      onRound?.({ seed, tally, figures });
    }
  } finally {
    attacking = false;
  }
  const complaint = () => "Cannot account for all messages: one is lost";
  return { tally, accounts: await pulse.wait(accounts, { complaint }) };
}

/** One round; its seed decides on each attacker's own. */
async function runRound(
  ports: Ports,
  { seed, attackers, tally, pulse, goOn }: {
    readonly seed: number;
    readonly attackers: number;
    readonly tally: AttackTally;
    readonly pulse: Pulse;
    readonly goOn: () => boolean;
  },
): Promise<void> {
  const random = new RandomValues(seed);
  const phrases = new Phrases(random, PHRASES);
  await Promise.all(Array.from({ length: attackers }, async (_, index) => {
    const own = new RandomValues(random.below(2 ** 31));
    const name = `attacker ${index}, who comes by ${wayOf(ports, index)}`;
    while (goOn()) {
      const transport = await dial(ports, own, index);
      if (transport === undefined) tally.sentAway++;
      else await new Attacker(transport, { random: own, phrases, tally, pulse, name }).run(goOn);
    }
  }));
}
