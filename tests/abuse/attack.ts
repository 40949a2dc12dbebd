// deno-lint-ignore-file no-console -- a program of its own
/**
 * One attack, in a process of its own: `attack.ts NAME PORT TLS_PORT MANAGEMENT_PORT COUNT`. Prints what it saw.
 *
 * @module
 */
import { ATTACKS } from "./attacks.ts";
import { ALLOWED } from "./terms.ts";

const [name, port, tlsPort, managementPort, count] = Deno.args;
const attack = ATTACKS.find((one) => one.name === name);
if (attack === undefined) throw new TypeError(`Cannot attack: there is no "${name}"`);
const victim = {
  allowed: ALLOWED,
  port: Number(port),
  tlsPort: Number(tlsPort),
  managementPort: Number(managementPort),
  permit: () => Promise.reject(new TypeError("Cannot permit: this is no operator")),
};
console.log(await attack.run(victim, Number(count)));
