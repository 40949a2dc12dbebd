import type { RandomValues } from "../amqp/random_values.ts";
import type { Mischief } from "../support/tcp_proxy.ts";

/**
 * Chooses what happens to one direction of a connection: it is cut somewhere, in the middle of a frame
 * or not; pieces come late; pieces come in halves; or everything from some byte on is wrong, and then it
 * is cut.
 *
 * What is wrong stays wrong: TCP itself lets nothing through that is damaged in between and right again
 * at the end, and no protocol above it without a checksum of its own could notice.
 */
export function chooseMischief(random: RandomValues): Mischief {
  const end = random.below(random.pick([100, 2000, 20_000]));
  return random.pick([cut, delay, halve, spoil])(random, end);
}

function cut(_random: RandomValues, end: number): Mischief {
  return {
    // deno-lint-ignore require-await -- as the others
    async mangle(piece, before) {
      if (before + piece.length <= end) return [piece];
      return [piece.subarray(0, Math.max(0, end - before)), null];
    },
  };
}

function delay(random: RandomValues): Mischief {
  return {
    async mangle(piece) {
      await new Promise((resolve) => setTimeout(resolve, random.below(4)));
      return [piece];
    },
  };
}

function halve(random: RandomValues): Mischief {
  return {
    // deno-lint-ignore require-await -- as the others
    async mangle(piece) {
      const at = random.below(piece.length);
      return [piece.subarray(0, at), piece.subarray(at)].filter(({ length }) => length > 0);
    },
  };
}

function spoil(random: RandomValues, start: number): Mischief {
  return {
    // deno-lint-ignore require-await -- as the others
    async mangle(piece, before) {
      if (before + piece.length <= start) return [piece];
      for (let index = Math.max(0, start - before); index < piece.length; index++) {
        piece[index]! ^= 1 + random.below(255);
      }
      return [piece, null];
    },
  };
}
