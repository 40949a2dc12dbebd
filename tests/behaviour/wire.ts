/**
 * All cases that speak bytes, by area.
 *
 * @module
 */
import type { Area, WireCase } from "../support/harness.ts";
import { channels, closing } from "./wire_channels.ts";
import { content } from "./wire_content.ts";
import { deadLetterHeaders } from "./wire_dead_letter.ts";
import { frames } from "./wire_frames.ts";
import { handshake, login, protocolHeader } from "./wire_handshake.ts";
import { heartbeat } from "./wire_heartbeat.ts";
import { methods } from "./wire_methods.ts";

/** What no client lets one do or see. */
export const WIRE: Area<WireCase> = {
  "protocol header": protocolHeader,
  handshake,
  login,
  frames,
  channels,
  closing,
  content,
  "dead letter headers": deadLetterHeaders,
  methods,
};

/** As `WIRE`, of the kind that takes seconds: a file of its own runs them beside the others. */
export const SLOW_WIRE: Area<WireCase> = { heartbeat };
