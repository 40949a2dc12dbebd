import { Content } from "../../broker/amqp/content.ts";
import type { ContentMethod, Link } from "../../broker/amqp/link.ts";
import { basicAck } from "../../broker/amqp/methods/basic.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";

/** A link to nowhere that remembers what it was asked. */
export class RecordingLink implements Link {
  readonly unfinishedBytes = 0;
  readonly sent: Method[] = [];
  readonly bodies: Uint8Array[] = [];
  readonly throttled: boolean[] = [];
  full = false;
  closes = 0;

  send(_channel: number, method: Method): void {
    this.sent.push(method);
  }

  sendContent(_channel: number, method: ContentMethod, content: Content): void {
    this.sent.push(method);
    this.bodies.push(content.body.slice(content.bodyStart, content.bodyEnd));
  }

  newContent(): Content {
    return new Content();
  }

  sendAck(_channel: number, deliveryTag: number): void {
    this.sent.push(basicAck({ deliveryTag }));
  }

  collectAcks(): void {}

  sendDelivery(): void {
    throw new Error("Cannot deliver: this is a client's end");
  }

  sendSharedDelivery(): void {
    this.sendDelivery();
  }

  throttle(on: boolean): void {
    this.throttled.push(on);
  }

  close(): void {
    this.closes++;
  }
}
