import { isDisowned, Unacked, type UnackedDelivery } from "./unacked.ts";

/** The same with a limit for the bytes of the bodies: when they are more, no more should be added. */
export class MeasuredUnacked extends Unacked {
  readonly #max: number;
  #bytes = 0;

  /** @param max The limit in bytes. */
  constructor(max: number) {
    super();
    this.#max = max;
  }

  /** How many bytes there are. */
  get bytes(): number {
    return this.#bytes;
  }

  override get full(): boolean {
    return this.#bytes >= this.#max;
  }

  override hasRoom(): boolean {
    if (this.#bytes < this.#max) return true;
    this.heldUp = true;
    return false;
  }

  override add(delivery: UnackedDelivery): void {
    this.#bytes += sizeOf(delivery);
    super.add(delivery);
  }

  override takeOne(deliveryTag: number): UnackedDelivery {
    const delivery = super.takeOne(deliveryTag);
    this.#bytes -= sizeOf(delivery);
    return delivery;
  }

  override takeUpTo(deliveryTag: number): UnackedDelivery[] {
    if (deliveryTag === 0) return this.takeAll();
    const taken = super.takeUpTo(deliveryTag);
    for (const delivery of taken) this.#bytes -= sizeOf(delivery);
    return taken;
  }

  override *takeEach(deliveryTag: number): Generator<UnackedDelivery> {
    for (const delivery of super.takeEach(deliveryTag)) {
      this.#bytes -= sizeOf(delivery);
      yield delivery;
    }
  }

  override clear(): void {
    this.#bytes = 0;
    super.clear();
  }

  override disown(delivery: UnackedDelivery): void {
    this.#bytes -= sizeOf(delivery);
    super.disown(delivery);
  }
}

/** What was taken back is not its client's any more. */
function sizeOf(delivery: UnackedDelivery): number {
  return isDisowned(delivery) ? 0 : delivery.entry.message.size;
}
