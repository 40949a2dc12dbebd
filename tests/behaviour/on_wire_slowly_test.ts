import { testOnWire } from "../support/harness.ts";
import { SLOW_WIRE } from "./wire.ts";

testOnWire(SLOW_WIRE);
