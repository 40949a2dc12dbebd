import { testDurable } from "../support/harness.ts";
import { BEHAVIOUR } from "./mod.ts";

testDurable(BEHAVIOUR);
