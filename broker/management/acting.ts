import type { Channel } from "../../client/channel.ts";
import type { Connection } from "../../client/connection.ts";
import type { Session } from "../mod.ts";
import { badRequest } from "./errors.ts";

/**
 * Does something in a vhost as the user that asks for it: over AMQP inside this process, so that its
 * permissions and limits hold, and the errors are those of any client.
 *
 * @throws {AmqpError} What the broker has against it.
 * @throws {HttpError} 400 when AMQP cannot even say it: a name that is too long, for example.
 */
export async function actAs<T>(
  session: Session,
  vhost: string,
  action: (channel: Channel, connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await session.connect(vhost);
  try {
    return await action(await connection.openChannel(), connection);
  } catch (error) {
    // the client's own checks
    throw error instanceof TypeError ? badRequest(error.message) : error;
  } finally {
    // when it is closed already, the reason for that is thrown
    const closing = connection.close().catch(() => {});
    // what is held back is waited for a while
    if (connection.blocked === undefined) await closing;
  }
}
