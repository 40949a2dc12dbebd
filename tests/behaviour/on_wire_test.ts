import { testOnWire } from "../support/harness.ts";
import { WIRE } from "./wire.ts";

testOnWire(WIRE);
