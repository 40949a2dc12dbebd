import type { BrokerOptions } from "../../broker/options.ts";

/**
 * What an attack is, and what it meets.
 *
 * @module
 */

/** What the broker lets its clients do, as far as it is what ends an attack. */
export interface Allowance {
  /** How long a handshake may take, in milliseconds. */
  readonly handshakeMs: number;
  /** How long the head of a request may take, in milliseconds; no request is given up sooner. */
  readonly httpMs: number;
  /** How many connections of HTTP an address may have. */
  readonly httpConnections: number;
}

/** That of the program, when it is told nothing. */
export const ALLOWED: Allowance = { handshakeMs: 10_000, httpMs: 10_000, httpConnections: 256 };

/** Where the broker is, and what an operator may do with it. */
export interface Victim {
  readonly allowed: Allowance;
  readonly port: number;
  readonly tlsPort: number;
  readonly managementPort: number;
  /** Gives guest a permission to configure; tells `set`, or why not. */
  permit(pattern: string): Promise<string>;
}

/** One way of it. */
export interface Attack {
  /** Its name in the table. */
  readonly name: string;
  /** How much of it is the whole thing; what it counts is the attack's own business. */
  readonly full: number;
  /** How much of it a test of a second or two does. */
  readonly small: number;
  /** What the broker is started with. */
  readonly options?: BrokerOptions;
  /** True when the broker is to have a data directory, as the program has by default. */
  readonly onDisk?: boolean;
  /** True for what an operator does; other attacks run in a process of their own. */
  readonly byOperator?: boolean;
  /** True when the time for a handshake is what ends it; a small one has less of it. */
  readonly byTimeout?: boolean;
  /** The same of the times that HTTP has. */
  readonly byHttpTimeout?: boolean;
  /** True when those that behave come by TLS. */
  readonly secure?: boolean;
  /** Of a broker in a process of its own: how much larger than before it may become meanwhile, in MiB. */
  readonly growthMax: number;
  /** Does it; tells what it saw. */
  run(victim: Victim, count: number): Promise<string>;
  /** True when that is what one has to see: the attack was one, and the broker did what it should. */
  accept(saw: string, count: number, allowed: Allowance): boolean;
}

/** How long what is there stays there, so that it can be felt, in milliseconds. */
export const HOLD_MS = 3000;

/** The numbers in a text; none when it is another one. */
export function numbersOf(text: string, pattern: RegExp): number[] {
  return pattern.exec(text)?.slice(1).map(Number) ?? [];
}
