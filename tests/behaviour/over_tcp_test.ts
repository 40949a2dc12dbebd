import { testOverTcp } from "../support/harness.ts";
import { BEHAVIOUR } from "./mod.ts";

testOverTcp(BEHAVIOUR);
