/**
 * TLS over any transport, for both ends of a connection.
 *
 * The runtime's own TLS can neither ask for certificates of clients nor tell what was agreed on, so it
 * is `node:tls`, loaded when somebody needs it: a program without TLS starts as quickly as before.
 *
 * ```text
 *   WireLink -> TlsStream -> TLSSocket -> Duplex of the transport below -> Transport
 *   (plaintext) (this file)  (node:tls)  (encrypted)
 * ```
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "./clock.ts";
import { EncryptedBuffer } from "./encrypted_buffer.ts";
import { TlsError } from "./tls_error.ts";
import type { Endpoint, TlsFacts, Transport } from "./transport.ts";
import { loopRound } from "./turn.ts";

/** With more plaintext waiting to be read, nothing is read from below. */
const WAITING_MAX = 64 * 1024;
/** So much is encrypted at once: a large write must not stop everything else. */
const WRITTEN_MAX = 256 * 1024;
/** How long the goodbye may take. */
const GOODBYE_MS = 1000;

/** How TLS is begun over a transport. */
export interface TlsStreamOptions {
  /** Begins it over the encrypted stream. */
  readonly open: (below: Duplex) => TLSSocket;
  /** The event that ends the handshake: `secure` for a server, `secureConnect` for a client. */
  readonly event: "secure" | "secureConnect";
  /** Looks at the peer's certificate: gives it in DER when it can be believed, undefined when there is
   * none, and throws why it cannot be. */
  readonly verify: (socket: TLSSocket) => Uint8Array | undefined;
  /** Time. */
  readonly clock: Clock;
}

/** The certificate that the peer has shown and those that it sent with it, in DER. */
export function certificateChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<unknown>();
  let one: { raw?: Uint8Array; issuerCertificate?: unknown } | undefined = socket
    .getPeerCertificate(true);
  while (one?.raw !== undefined && !seen.has(one)) {
    seen.add(one);
    chain.push(one.raw);
    // the last one is its own
    one = one.issuerCertificate as typeof one;
  }
  return chain;
}

/** An encrypted transport. */
export class TlsStream implements Transport {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly #socket: TLSSocket;
  readonly #encrypted: Encrypted;
  readonly #clock: Clock;
  #facts: TlsFacts | undefined;
  /** Plaintext that nobody has read yet. */
  readonly #chunks: Uint8Array[] = [];
  /** How much of the first chunk was read. */
  #at = 0;
  #waiting = 0;
  #ended = false;
  #error: Error | undefined;
  #writing = false;
  #written = 0;
  #closing: Promise<void> | undefined;
  /** Those who wait for something to read, for the end of a write, of the handshake, of it all. */
  #wake: (() => void) | undefined;
  #failWrite: ((error: Error) => void) | undefined;
  readonly #gone = Promise.withResolvers<void>();

  /**
   * Shakes hands.
   *
   * @param below What carries the encrypted bytes; it belongs to the stream from now on, also when this
   * fails. Whoever gives up closes it.
   * @returns The stream; undefined when the peer left without a word, as health checks do.
   * @throws {TlsError} When the two ends cannot agree, or one does not believe the other.
   */
  static async open(below: Transport, options: TlsStreamOptions): Promise<TlsStream | undefined> {
    const encrypted = await duplexOver(below);
    const socket = options.open(encrypted.duplex);
    encrypted.attach(socket);
    const stream = new TlsStream(below, socket, encrypted, options.clock);
    try {
      await stream.#handshake(options.event);
      encrypted.established();
      const peerCertificate = options.verify(socket);
      stream.#facts = {
        protocol: socket.getProtocol() ?? "unknown",
        cipherSuite: socket.getCipher()?.standardName ?? "unknown",
        peerCertificate,
      };
      return stream;
    } catch (cause) {
      socket.destroy();
      await stream.#gone.promise;
      if (!encrypted.heard) return undefined;
      throw cause;
    }
  }

  private constructor(
    below: Transport,
    socket: TLSSocket,
    encrypted: Encrypted,
    clock: Clock,
  ) {
    this.peer = below.peer;
    this.local = below.local;
    this.#socket = socket;
    this.#encrypted = encrypted;
    this.#clock = clock;
    socket.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      this.#waiting += chunk.length;
      if (this.#waiting > WAITING_MAX) encrypted.reading = false;
      this.#wake?.();
    });
    socket.on("end", () => this.#end());
    socket.on("error", (error: Error) => this.#end(error));
    socket.on("close", () => {
      this.#end();
      this.#failWrite?.(this.#error ?? new Error("Cannot write: the TLS stream is closed"));
      this.#gone.resolve();
    });
  }

  /** What was agreed on. */
  get tls(): TlsFacts | undefined {
    return this.#facts;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#error !== undefined) throw tlsError(this.#error);
      if (this.#ended) return null;
      await new Promise<void>((wake) => this.#wake = wake);
      this.#wake = undefined;
    }
    let count = 0;
    while (count < into.length && this.#chunks.length > 0) {
      const chunk = this.#chunks[0]!;
      const length = Math.min(chunk.length - this.#at, into.length - count);
      into.set(chunk.subarray(this.#at, this.#at + length), count);
      count += length;
      this.#at += length;
      if (this.#at < chunk.length) break;
      this.#chunks.shift();
      this.#at = 0;
    }
    this.#waiting -= count;
    if (this.#waiting <= WAITING_MAX) this.#encrypted.reading = true;
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#error !== undefined) throw this.#error;
    const part = bytes.length > WRITTEN_MAX ? bytes.subarray(0, WRITTEN_MAX) : bytes;
    this.#writing = true;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#failWrite = reject;
        const encrypted = (error?: Error | null) => {
          if (error) reject(error);
          else this.#encrypted.flushed(this.#written += part.length).then(resolve);
        };
        this.#socket.write(part, encrypted);
      });
      return part.length;
    } finally {
      this.#writing = false;
      this.#failWrite = undefined;
    }
  }

  /** Says goodbye, so that the peer knows that nothing was cut off, and closes what is below. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const socket = this.#socket;
    // behind a write that the peer does not take no goodbye gets through
    if (this.#writing || this.#ended || socket.destroyed) socket.destroy();
    else {
      const stopTimer = this.#clock.after(GOODBYE_MS, () => socket.destroy());
      await new Promise<void>((done) => {
        socket.end(done);
        socket.once("close", () => done());
      });
      await loopRound(); // in which it goes below
      await this.#encrypted.flushed(this.#written);
      socket.destroy();
      await this.#gone.promise;
      stopTimer();
    }
    await this.#gone.promise;
  }

  #handshake(event: "secure" | "secureConnect"): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(tlsError(this.#error));
      this.#socket.once(event, resolve);
      this.#socket.once("end", fail);
      this.#socket.once("close", fail);
    });
  }

  #end(error?: Error): void {
    if (!this.#ended) this.#error ??= error;
    this.#ended = true;
    this.#wake?.();
  }
}

function tlsError(cause: (Error & { readonly code?: unknown }) | undefined): TlsError {
  if (cause === undefined || cause.code === "ECONNRESET") {
    return new TlsError("ECONNRESET", "the peer went away during the TLS handshake");
  }
  const code = typeof cause.code === "string" ? cause.code : "ERR_SSL";
  return new TlsError(code, cause.message, { cause });
}

/** A transport as a stream of Node's. */
interface Encrypted {
  readonly duplex: Duplex;
  /** True when the peer has sent something. */
  readonly heard: boolean;
  /** False: nothing more is read from below. To pause the socket above does not do it. */
  reading: boolean;
  /** Tells what encrypts. */
  attach(socket: TLSSocket): void;
  /** The handshake is done. */
  established(): void;
  /** Resolves when nothing waits to be written below, and so many bytes have gone since the handshake;
   * or when it is destroyed. What encrypts takes whatever it is given, without waiting for the peer. */
  flushed(bytes: number): Promise<void>;
}

async function duplexOver(below: Transport): Promise<Encrypted> {
  const { Duplex } = await import("node:stream");
  const buffer = new EncryptedBuffer();
  let heard = false;
  let handle: Encrypting | undefined;
  let bytesFlushed = 0;
  const waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];
  const isFlushed = (bytes: number) =>
    duplex.destroyed || (duplex.writableLength === 0 && bytesFlushed >= bytes);
  /** In time, since what was encrypted meanwhile is written as soon as a write is done. */
  const wakeLater = () =>
    queueMicrotask(() => {
      for (const one of waiting.splice(0)) {
        if (isFlushed(one.bytes)) one.resolve();
        else waiting.push(one);
      }
    });
  const write = async (bytes: Uint8Array) => {
    for (let sent = 0; sent < bytes.length;) sent += await below.write(bytes.subarray(sent));
  };
  let reading = true;
  let goOn: (() => void) | undefined;
  const duplex = new Duplex({
    async read() {
      try {
        while (!reading) await new Promise<void>((resolve) => goOn = resolve);
        const { bytes } = buffer;
        const count = await below.read(bytes);
        heard ||= count !== null;
        if (count === null) this.push(null);
        else {
          // what decrypts takes it at once, unless it is paused
          this.push(bytes.subarray(0, count));
          buffer.filled(count, this.readableLength === 0);
        }
      } catch (cause) {
        this.destroy(cause as Error);
      }
    },
    write(bytes: Uint8Array, _encoding: unknown, done: (error?: Error) => void) {
      write(bytes).then(() => {
        bytesFlushed += bytes.length;
        done();
        wakeLater();
      }, done);
    },
    async destroy(cause: Error | null, done: (error: Error | null) => void) {
      try {
        // why the handshake failed: the peer should know, too
        const alert = handle?.drainEncOut?.();
        if (alert !== undefined && alert.length > 0) await write(alert);
      } catch {
        // it is gone already
      }
      await below.close();
      buffer.release();
      done(cause);
    },
  });
  duplex.on("error", () => {}); // the socket above tells
  duplex.on("close", wakeLater);
  return {
    duplex,
    get heard() {
      return heard;
    },
    get reading() {
      return reading;
    },
    set reading(on) {
      reading = on;
      if (on) goOn?.();
    },
    attach(socket) {
      handle = (socket as TLSSocket & { readonly ssl?: Encrypting }).ssl;
    },
    established() {
      handle = undefined;
      bytesFlushed = 0;
    },
    flushed(bytes) {
      return new Promise((resolve) => {
        waiting.push({ bytes, resolve });
        wakeLater();
      });
    },
  };
}

/** What lies below a `TLSSocket` of this runtime: without it, a peer is not told why the handshake
 * failed, and nothing else is lost. */
interface Encrypting {
  /** Takes what is encrypted and not yet written. */
  drainEncOut?(): Uint8Array;
}
