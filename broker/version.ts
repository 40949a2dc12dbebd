/** Warren's own version, as `deno.json` has it. */
export const WARREN_VERSION = "0.1.0";
