import {
  DROPPED_CONNECTIONS,
  IDLE_CONNECTIONS,
  MANY_CHANNELS,
  SLOW_BYTES,
  UNFINISHED_TLS,
} from "./connection_attacks.ts";
import { SLOW_REQUESTS, UNREAD_LISTS } from "./http_attacks.ts";
import { PASSWORD_GUESSES } from "./login_attacks.ts";
import { LARGE_BODIES, MULTIPLIED_DEATHS, SLEEPING_READER } from "./message_attacks.ts";
import { NESTED_TABLES, REGEX_BOMBS } from "./parser_attacks.ts";
import type { Attack } from "./terms.ts";

/**
 * Clients that cost what they can, each in one way, in the order of the table in docs/security.md. All of
 * them keep within what a program without a password or with one could send.
 */
export const ATTACKS: readonly Attack[] = [
  IDLE_CONNECTIONS,
  DROPPED_CONNECTIONS,
  SLEEPING_READER,
  LARGE_BODIES,
  MULTIPLIED_DEATHS,
  MANY_CHANNELS,
  SLOW_BYTES,
  NESTED_TABLES,
  REGEX_BOMBS,
  UNFINISHED_TLS,
  SLOW_REQUESTS,
  UNREAD_LISTS,
  PASSWORD_GUESSES,
];
