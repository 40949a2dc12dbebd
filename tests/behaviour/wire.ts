/**
 * All cases that speak bytes, by area.
 *
 * @module
 */
import type { Area, WireCase } from "../support/harness.ts";
import { channels, closing } from "./wire_channels.ts";
import { frames } from "./wire_frames.ts";
import { handshake, login, protocolHeader } from "./wire_handshake.ts";

/** What no client lets one do or see. */
export const WIRE: Area<WireCase> = {
  "protocol header": protocolHeader,
  handshake,
  login,
  frames,
  channels,
  closing,
};
