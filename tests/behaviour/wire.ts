/**
 * All cases that speak bytes, by area.
 *
 * @module
 */
import type { Area, WireCase } from "../support/harness.ts";

/** What no client lets one do or see. */
export const WIRE: Area<WireCase> = {};
