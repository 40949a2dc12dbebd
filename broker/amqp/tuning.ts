/**
 * How the two ends agree on limits: the server proposes in `connection.tune`, the client decides in
 * `connection.tune-ok`, the server checks.
 *
 * @module
 */

import { FRAME_MIN_SIZE } from "./constants.ts";
import { AmqpError } from "./error.ts";

/** The limits of a connection, as both methods have them. */
export interface Tuning {
  /** Highest channel number; 0 for no limit. */
  readonly channelMax: number;
  /** Largest frame in octets; 0 for no limit. */
  readonly frameMax: number;
  /** Seconds between heartbeats; 0 for none. */
  readonly heartbeat: number;
}

/**
 * What a client answers: the lower of both limits, and the lower of both heartbeats unless it wants
 * none.
 *
 * @param offered What the server proposed.
 * @param wanted What the client would like; what is missing is left to the server.
 */
export function chooseTuning(offered: Tuning, wanted: Partial<Tuning> = {}): Tuning {
  return {
    channelMax: lowerLimit(offered.channelMax, wanted.channelMax ?? 0),
    frameMax: lowerLimit(offered.frameMax, wanted.frameMax ?? 0),
    heartbeat: wanted.heartbeat === 0
      ? 0
      : lowerLimit(offered.heartbeat, wanted.heartbeat ?? offered.heartbeat),
  };
}

/** The lower of two limits, where 0 is none. */
function lowerLimit(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

/**
 * Checks a client's answer. Any heartbeat is fine: the client's word rules.
 *
 * @param offered What the server proposed.
 * @param answer What the client decided.
 * @param frameMaxLeast The smallest frames that the server takes.
 * @throws {AmqpError} 530 when a limit is above the server's, or the frames are too small.
 */
export function checkTuneOk(
  offered: Tuning,
  answer: Tuning,
  frameMaxLeast = FRAME_MIN_SIZE,
): void {
  checkLimit("frame_max", answer.frameMax, frameMaxLeast, offered.frameMax);
  checkLimit("channel_max", answer.channelMax, 1, offered.channelMax);
}

function checkLimit(name: string, answer: number, min: number, max: number): void {
  if (answer !== 0 && answer < min) {
    throw notAllowed(name, `${answer}`, `lower than the minimum allowed value (${min})`);
  }
  if (max !== 0 && (answer === 0 || answer > max)) {
    const shown = answer === 0 ? "0 (no limit)" : `${answer}`;
    throw notAllowed(name, shown, `higher than the maximum allowed value (${max})`);
  }
}

function notAllowed(name: string, value: string, problem: string): AmqpError {
  return new AmqpError(530, `negotiated ${name} = ${value} is ${problem}`);
}
