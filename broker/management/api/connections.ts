import { gather, Slices } from "../../http/slices.ts";
import type { ConnectionInfo, JsonObject } from "../../mod.ts";
import { isAdministrator, isMonitor, requireOwn, vhostOf } from "../access.ts";
import type { Api, Call, Management } from "../context.ts";
import { notAuthorised, notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";
import { type FoundMeters, MetersByName, Stats } from "../stats.ts";
import { toldArguments } from "../told_arguments.ts";

/** RabbitMQ's, when nobody says why. */
export const REASON = "Closed via management plugin";

/** So long a client may take to answer that it is closed. Whoever asked for it does not wait for one that
 * never does: such a client is gone ten seconds later. */
const ANSWER_MS = 500;

/** After so many that are closed the time is looked at. */
const CLOSED_AT_ONCE = 4;

/** Connections: what there is, and closing. */
export function connectionRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const describer = (call: Call, meters: FoundMeters) => {
    const stats = new Stats(management.rates, call);
    return (connection: ConnectionInfo): JsonObject => {
      const meter = meters.get(connection.name);
      return {
        ...describeConnection(connection, management),
        ...meter === undefined ? {} : stats.octets(meter),
      };
    };
  };
  const list = (call: Call, rows: Iterable<ConnectionInfo>) => {
    const { session } = call.var;
    const all = isMonitor(session);
    const meters = new MetersByName(broker, "connection");
    return answerList(call, {
      rows,
      wanted: ({ user }) => all || user === session.user,
      key: ({ vhost, name }) => `${vhost}\0${name}`,
      name: ({ name }) => name,
      prepare: () => meters.find(),
      describe: describer(call, meters),
    });
  };

  api.get("/api/connections", (call) => list(call, broker.connections()));
  api.get(
    "/api/vhosts/:vhost/connections",
    (call) => list(call, broker.connections({ vhost: vhostOf(call, broker) })),
  );

  api.get("/api/connections/username/:user", (call) => {
    const user = call.req.param("user");
    requireOwn(call, user);
    const { node } = management;
    return answerList(call, {
      rows: broker.connections({ user }),
      key: ({ vhost, name }) => `${vhost}\0${name}`,
      name: ({ name }) => name,
      describe: ({ name, vhost }) => ({ name, vhost, user, node }),
    });
  });
  api.delete("/api/connections/username/:user", async (call) => {
    const user = call.req.param("user");
    requireClosing(call, user);
    // those that connect anew meanwhile are not meant
    const found = await gather(broker.connections({ user }));
    const slices = new Slices(CLOSED_AT_ONCE);
    const closing: Promise<void>[] = [];
    for (const { name } of found) {
      closing.push(close(call, management, name));
      if (slices.over) await slices.rest();
    }
    await Promise.all(closing);
    return call.body(null, 204);
  });

  api.get("/api/connections/:connection", (call) => {
    const found = findConnection(call, management);
    requireOwn(call, found.user);
    return answer(
      call,
      describer(call, { get: (name) => broker.meter("connection", name) })(found),
    );
  });
  api.delete("/api/connections/:connection", async (call) => {
    const { name, user } = findConnection(call, management);
    requireClosing(call, user);
    await close(call, management, name);
    return call.body(null, 204);
  });
}

/**
 * The connection that a path names.
 *
 * @throws {HttpError} 404 when there is none.
 */
export function findConnection({ req }: Call, { broker }: Management): ConnectionInfo {
  const [found] = broker.connections({ connection: req.param("connection") ?? "" });
  if (found === undefined) throw notFound();
  return found;
}

/** @throws {HttpError} 401 when it is somebody else's, and not for this one to close. */
export function requireClosing({ var: { session } }: Call, user: string): void {
  if (session.user === user || isAdministrator(session)) return;
  throw notAuthorised("User not authorised to access object");
}

async function close({ req }: Call, { broker, clock }: Management, name: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = clock.after(ANSWER_MS, resolve);
  // it may also have gone by itself meanwhile
  broker.closeConnection(name, req.header("x-reason") ?? REASON).then(resolve, () => resolve());
  await promise;
  stop();
}

function describeConnection(connection: ConnectionInfo, { node }: Management): JsonObject {
  const { name, userProvidedName, user, vhost, type } = connection;
  return {
    name,
    ...userProvidedName === null ? {} : { user_provided_name: userProvidedName },
    user,
    user_who_performed_action: user,
    vhost,
    node,
    state: connection.state,
    type,
    protocol: type === "network" ? "AMQP 0-9-1" : "Direct 0-9-1",
    host: connection.host,
    port: connection.port,
    peer_host: connection.peerHost,
    peer_port: connection.peerPort,
    auth_mechanism: connection.authMechanism,
    ssl: connection.ssl,
    ssl_protocol: connection.sslProtocol,
    ssl_key_exchange: connection.sslKeyExchange,
    ssl_cipher: connection.sslCipher,
    ssl_hash: connection.sslHash,
    peer_cert_serial_number: connection.peerCertSerialNumber,
    peer_cert_subject: connection.peerCertSubject,
    peer_cert_issuer: connection.peerCertIssuer,
    peer_cert_validity: connection.peerCertValidity,
    channels: connection.channels,
    channel_max: connection.channelMax,
    frame_max: connection.frameMax,
    timeout: connection.timeout,
    connected_at: connection.connectedAt,
    send_pend: 0,
    client_properties: toldArguments(connection.clientProperties),
  };
}
