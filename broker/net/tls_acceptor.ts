import type { Clock } from "../amqp/clock.ts";
import { TlsError } from "../amqp/tls_error.ts";
import { TlsStream } from "../amqp/tls_stream.ts";
import type { Transport } from "../amqp/transport.ts";
import { RefusedError } from "./refused_error.ts";
import type { CertificateValidity, TlsCertificates } from "./tls_certificates.ts";
import { reasonOf, TlsContext, type TlsOptions } from "./tls_context.ts";

/** Begins TLS as a server, with certificates that can be replaced while connections are open. */
export class TlsAcceptor {
  readonly #context: TlsContext;
  readonly #clock: Clock;

  /**
   * Loads the certificates.
   *
   * @throws {TypeError} When something is missing or makes no sense.
   * @throws {Error} What the runtime throws when a file cannot be read.
   */
  static async load(options: TlsOptions, clock: Clock): Promise<TlsAcceptor> {
    return new TlsAcceptor(await TlsContext.load(options, clock), clock);
  }

  private constructor(context: TlsContext, clock: Clock) {
    this.#context = context;
    this.#clock = clock;
  }

  /** What is odd with the certificates in use, for the log. */
  get warnings(): readonly string[] {
    return this.#context.warnings;
  }

  /** From when to when they are valid. */
  get validities(): readonly CertificateValidity[] {
    return this.#context.validities;
  }

  /**
   * Takes other certificates for the connections that come from now on; those that are open stay. When
   * they cannot be used, the ones before stay in use.
   *
   * @param certificates Undefined: the files are read again.
   * @throws {TypeError} When something is missing or is not what it should be.
   * @throws {Error} What the runtime throws when a file cannot be read.
   */
  reload(certificates?: TlsCertificates): Promise<void> {
    return this.#context.reload(certificates);
  }

  /**
   * Shakes hands with a client.
   *
   * @param transport The stream as it was accepted, or came out of a proxy.
   * @returns What was encrypted; undefined when it ended before its first byte.
   * @throws {RefusedError} When the two could not agree. The stream is closed then.
   */
  async accept(transport: Transport): Promise<TlsStream | undefined> {
    const context = this.#context;
    const { tls, secureContext, nameFinder } = context;
    try {
      return await TlsStream.open(transport, {
        open: (below) =>
          new tls.TLSSocket(
            // any Duplex will do, as `tls.connect` has it in its types
            below as unknown as ConstructorParameters<typeof tls.TLSSocket>[0],
            {
              isServer: true,
              secureContext,
              requestCert: context.asks,
              rejectUnauthorized: context.insists,
              ...nameFinder === undefined ? {} : { SNICallback: nameFinder },
            },
          ),
        event: "secure",
        verify: (socket) => context.certificateOf(socket),
        clock: this.#clock,
      });
    } catch (cause) {
      if (!(cause instanceof TlsError)) throw cause;
      throw new RefusedError(`TLS failed: ${reasonOf(cause)}`);
    }
  }
}
