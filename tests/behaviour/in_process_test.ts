import { testInProcess } from "../support/harness.ts";
import { BEHAVIOUR } from "./mod.ts";

testInProcess(BEHAVIOUR);
