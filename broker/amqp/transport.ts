/** Bytes both ways: what a link over a wire stands on. */
export interface Transport {
  /**
   * Reads what has come, at least one byte, into a buffer.
   *
   * @returns How many bytes were read; null at the end of the stream.
   */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and tells how many; they must not change until then. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes both directions. Closing twice is harmless. What says goodbye first gives a promise, which
   * does not reject, for when it is really gone. */
  close(): void | Promise<void>;
  /** The peer's address and ours, for logs and for "from loopback only". */
  readonly peer: Endpoint;
  /** Our end. */
  readonly local: Endpoint;
  /** What TLS agreed on; undefined when the bytes are not encrypted. */
  readonly tls?: TlsFacts | undefined;
}

/** What is known of an encrypted stream. */
export interface TlsFacts {
  /** The version: `TLSv1.3` or `TLSv1.2`. */
  readonly protocol: string;
  /** The cipher suite by its name in the IANA's registry, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipherSuite: string;
  /** The certificate of the peer in DER, but only if it was verified. */
  readonly peerCertificate: Uint8Array | undefined;
}

/** An address and a port. */
export interface Endpoint {
  /** Such as `127.0.0.1` or `::1`. */
  readonly hostname: string;
  /** The TCP port. Of a socket file: which of its connections this is, 0 for the file itself. */
  readonly port: number;
  /** The socket file, when that is what was connected to. The hostname is a loopback address then:
   * who can open the file is on this machine. */
  readonly path?: string;
}

/** What an end of a connection is called in names of connections and in logs. */
export function endpointName({ hostname, port, path }: Endpoint): string {
  if (path !== undefined) return port === 0 ? path : `${path}#${port}`;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** The part of `Deno.Conn` that a transport needs. */
export interface ByteStream {
  /** Reads at least one byte; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes the socket. */
  close(): void;
}

/** The part of `Deno.TcpConn` that a transport needs. */
export interface TcpLike extends ByteStream {
  /** Sends small packets at once. */
  setNoDelay(noDelay?: boolean): void;
  /** Has the system find out when the peer is gone without a word: who wants no heartbeats is noticed,
   * too, after some hours. */
  setKeepAlive?(keepAlive?: boolean): void;
  /** The peer. */
  readonly remoteAddr: Endpoint;
  /** Our end. */
  readonly localAddr: Endpoint;
}

/** A TCP connection of the runtime as a transport. */
export function tcpTransport(connection: TcpLike): Transport {
  try {
    connection.setNoDelay(true);
    connection.setKeepAlive?.(true);
  } catch {
    // the peer has gone already, as the first read will tell
  }
  const { remoteAddr, localAddr } = connection;
  return streamTransport(connection, {
    peer: { hostname: remoteAddr.hostname, port: remoteAddr.port },
    local: { hostname: localAddr.hostname, port: localAddr.port },
  });
}

/** Any connection of the runtime as a transport between two ends. */
export function streamTransport(
  connection: ByteStream,
  { peer, local }: { readonly peer: Endpoint; readonly local: Endpoint },
): Transport {
  return new StreamTransport(connection, peer, local);
}

class StreamTransport implements Transport {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly #stream: ByteStream;

  constructor(stream: ByteStream, peer: Endpoint, local: Endpoint) {
    this.#stream = stream;
    this.peer = peer;
    this.local = local;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#stream.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#stream.write(bytes);
  }

  close(): void {
    try {
      this.#stream.close();
    } catch {
      // it is closed already: the peer was quicker
    }
  }
}
