/** Warren's own version, as `deno.json` has it. */
export const WARREN_VERSION = "0.1.0";

/** What stands where RabbitMQ names its node, unless somebody gives it another name. */
export const NODE_NAME = "warren@localhost";
