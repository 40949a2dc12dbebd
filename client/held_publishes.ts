import { copyOf } from "../broker/amqp/byte_ranges.ts";
import { Content } from "../broker/amqp/content.ts";
import type { Link } from "../broker/amqp/link.ts";
import type { BasicPublish } from "../broker/amqp/methods/basic.ts";

/** What a channel publishes while the broker has asked it, by `channel.flow`, to send no contents: it is
 * sent when the broker asks for more. Nothing else of the channel waits for it. */
export class HeldPublishes {
  private _held: { readonly method: BasicPublish; readonly content: Content }[] = [];

  /** How many there are. */
  get length(): number {
    return this._held.length;
  }

  /** Takes one more. What belongs to the caller is copied. */
  hold(method: BasicPublish, content: Content): void {
    const kept = new Content();
    kept.assign(content);
    if (!content.transferred) {
      kept.body = copyOf(content.body, content.bodyStart, content.bodyEnd);
      kept.bodyStart = 0;
      kept.bodyEnd = kept.body.length;
      kept.transferred = true;
      kept.framed = false;
    }
    this._held.push({ method, content: kept });
  }

  /** Sends them, in order. */
  sendTo(link: Link, channel: number): void {
    const held = this._held;
    this._held = [];
    for (const { method, content } of held) link.sendContent(channel, method, content);
  }

  /** Forgets them. */
  clear(): void {
    this._held = [];
  }
}
