import { FRAME_END, FRAME_OVERHEAD, PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { channelOpen } from "../../broker/amqp/methods/channel.ts";
import {
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
} from "../../broker/amqp/methods/connection.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { Transport } from "../../broker/amqp/transport.ts";
import { RawPeer } from "./raw_peer.ts";

/** What a client says about itself when it logs in. */
export interface LoginTerms {
  /** What it understands. */
  readonly capabilities?: FieldTable;
  /** Its answer to `connection.tune`; what is missing is as the broker offers it. */
  readonly tune?: { readonly channelMax?: number; readonly frameMax?: number };
  /** Seconds; 0 when not given. */
  readonly heartbeat?: number;
}

/** A frame as it came. */
export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Uint8Array;
}

/** What most clients understand. */
export const CAPABILITIES: FieldTable = {
  authentication_failure_close: true,
  consumer_cancel_notify: true,
};

/** A scripted client that also remembers the bytes that it has read. */
export class WirePeer extends RawPeer {
  readonly #read: number[];

  constructor(transport: Transport) {
    const bytes: number[] = [];
    super({
      peer: transport.peer,
      local: transport.local,
      write: (bytes) => transport.write(bytes),
      close: () => transport.close(),
      async read(into) {
        const count = await transport.read(into);
        for (let index = 0; index < (count ?? 0); index++) bytes.push(into[index]!);
        return count;
      },
    });
    this.#read = bytes;
  }

  /** Plays a client up to the open connection, and opens channel 1. */
  async enter(
    { capabilities = CAPABILITIES, tune = {}, heartbeat = 0 }: LoginTerms,
  ): Promise<void> {
    await this.start({ capabilities });
    const offered = await this.expect(0, "connection.tune");
    await this.send(0, connectionTuneOk({ ...offered, ...tune, heartbeat }));
    await this.send(0, connectionOpen({ virtualHost: "/" }));
    await this.expect(0, "connection.open-ok");
    await this.send(1, channelOpen());
    await this.expect(1, "channel.open-ok");
  }

  /** Plays a client up to its login. */
  async start(
    {
      capabilities = CAPABILITIES,
      mechanism = "PLAIN",
      response = plainResponse({ username: "guest", password: "guest" }),
    }: { capabilities?: FieldTable; mechanism?: string; response?: Uint8Array } = {},
  ): Promise<void> {
    await this.sendBytes(PROTOCOL_HEADER);
    await this.expect(0, "connection.start");
    const clientProperties = { capabilities };
    await this.send(
      0,
      connectionStartOk({ clientProperties, mechanism, response, locale: "en_US" }),
    );
  }

  /** Sends a frame of any kind. */
  async sendFrame(type: number, channel: number, payload: readonly number[]): Promise<void> {
    await this.sendBytes(frameBytes(type, channel, payload));
  }

  /** All frames that were read so far. */
  frames(): Frame[] {
    const bytes = Uint8Array.from(this.#read);
    const view = new DataView(bytes.buffer);
    const frames: Frame[] = [];
    for (let at = 0; at + FRAME_OVERHEAD <= bytes.length;) {
      const end = at + 7 + view.getUint32(at + 3);
      const [type, channel] = [bytes[at]!, view.getUint16(at + 1)];
      frames.push({ type, channel, payload: bytes.slice(at + 7, end) });
      at = end + 1;
    }
    return frames;
  }
}

/** The bytes of a frame. */
export function frameBytes(type: number, channel: number, payload: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(payload.length + FRAME_OVERHEAD);
  const view = new DataView(bytes.buffer);
  bytes[0] = type;
  view.setUint16(1, channel);
  view.setUint32(3, payload.length);
  bytes.set(payload, 7);
  bytes[payload.length + 7] = FRAME_END;
  return bytes;
}
