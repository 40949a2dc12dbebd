import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../broker/amqp/clock.ts";
import { readCertificates, readKey } from "../broker/amqp/pem.ts";
import { Revocations } from "../broker/amqp/revocations.ts";
import { certificateProblem, TlsError } from "../broker/amqp/tls_error.ts";
import { certificateChain, TlsStream } from "../broker/amqp/tls_stream.ts";
import type { Transport } from "../broker/amqp/transport.ts";
import type { ClientTlsOptions } from "./options.ts";

/**
 * Encrypts a connection to a broker.
 *
 * @param transport The connection, which belongs to what is returned, also when this fails.
 * @param hostname The host that was meant, whose name must be in its certificate.
 * @param options What is trusted and shown.
 * @param around Time, and what gives up.
 * @throws {TypeError} When a certificate or a key is none.
 * @throws {TlsError} When the two ends cannot agree, or the broker's certificate is not trusted.
 */
export async function encrypt(
  transport: Transport,
  hostname: string,
  options: ClientTlsOptions,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Transport> {
  const giveUp = () => void transport.close();
  signal.addEventListener("abort", giveUp);
  try {
    signal.throwIfAborted(); // it may have, since the host was reached
    const { key, revocations } = readTexts(options);
    const tls = await import("node:tls");
    const name = options.serverName ?? hostname;
    const stream = await TlsStream.open(transport, {
      open: (socket) => tls.connect({ ...connectionOptions(name, options, key), socket }),
      event: "secureConnect",
      verify: (socket) => {
        const raw: Uint8Array | undefined = socket.getPeerCertificate()?.raw;
        if (options.verifyServer === "no") return undefined;
        revocations?.check(certificateChain(socket), clock.now());
        return raw;
      },
      clock,
    });
    if (stream !== undefined) return stream;
    throw new TlsError("ECONNRESET", "the peer closed the connection");
  } catch (cause) {
    await transport.close();
    signal.throwIfAborted();
    throw cause instanceof TlsError ? explained(cause, hostname, options) : cause;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** What of them must be read before it can be used. */
interface ReadTexts {
  /** The key, not encrypted any more. */
  readonly key: string | undefined;
  /** Which certificates count no more. */
  readonly revocations: Revocations | undefined;
}

function readTexts({ ca, cert, key, passphrase, crl }: ClientTlsOptions): ReadTexts {
  try {
    const authorities = ca === undefined ? [] : readCertificates(ca, "tls.ca");
    const revocations = crl === undefined
      ? undefined
      : Revocations.read(crl, authorities, "tls.crl");
    if (cert === undefined || key === undefined) return { key, revocations };
    const [own] = readCertificates(cert, "tls.cert");
    return { key: readKey(own!, key, "tls.key", passphrase), revocations };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new TypeError(`Cannot connect: ${why}`, { cause });
  }
}

function connectionOptions(
  name: string,
  options: ClientTlsOptions,
  key: string | undefined,
): ConnectionOptions {
  const { ca, cert, minVersion = "TLSv1.2", verifyServer = "yes" } = options;
  // a name that is an address is no name that the server could be asked for (RFC 6066, section 3)
  const isAddress = name.includes(":") || /^[\d.]+$/.test(name);
  return {
    host: name,
    ...isAddress ? {} : { servername: name },
    ...ca === undefined ? {} : { ca },
    ...cert === undefined ? {} : { cert },
    ...key === undefined ? {} : { key },
    minVersion,
    rejectUnauthorized: verifyServer !== "no",
    ...verifyServer === "any-name" ? { checkServerIdentity: () => undefined } : {},
  };
}

/** Says whose fault it is, as far as it can be told. */
function explained(error: TlsError, hostname: string, { serverName }: ClientTlsOptions): TlsError {
  const { code, message } = error;
  const problem = certificateProblem(code);
  let text = `TLS with ${hostname} failed: ${message} (${code})`;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") text = `${hostname} does not speak TLS there`;
  else if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    text = `the certificate of ${hostname} is not for ${serverName ?? hostname} (${code})`;
  } else if (problem !== undefined && !/ALERT/.test(code)) {
    text = `the certificate of ${hostname} ${problem}`;
  }
  return new TlsError(code, `Cannot connect: ${text}`, { cause: error });
}
