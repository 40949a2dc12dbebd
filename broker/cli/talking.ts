import { ApiError, UnreachableError } from "./management_client.ts";
import { oneLine, type Terminal } from "./terminal.ts";

/** Does something with a broker that runs. What the broker refuses, or that there is none, is told in a
 * line; the exit status is 1 then. */
export async function talking(terminal: Terminal, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const why = whyNot(error);
    if (why === undefined) throw error;
    terminal.complain(oneLine(`warren: ${why}`));
    return 1;
  }
}

function whyNot(error: unknown): string | undefined {
  if (error instanceof UnreachableError) return error.message;
  if (error instanceof ApiError) {
    return error.status === 401
      ? `the broker refuses the user: ${error.reason}`
      : `the broker refuses: ${error.reason}`;
  }
  if (!(error instanceof Error)) return undefined;
  // of the client over AMQP, and of the machine
  const known = ["AmqpError", "ConnectionLostError", "TlsError", "PublishNackedError"];
  if (known.includes(error.name)) return error.message;
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused ||
      error instanceof Deno.errors.PermissionDenied || isOfMachine(error)
    ? error.message
    : undefined;
}

/** True for what the system says of files and sockets, such as `EISDIR`. */
function isOfMachine(error: Error & { readonly code?: unknown }): boolean {
  const { code } = error;
  return typeof code === "string" && /^E[A-Z\d]+$/.test(code);
}
