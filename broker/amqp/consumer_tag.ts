/** A consumer's tag, as its deliveries bear it. One object for each consumer: a link keeps with it what it makes
 * of it, so that nothing is looked up for a delivery. */
export class ConsumerTag {
  /** The tag. */
  readonly text: string;
  /** How each `basic.deliver` to the consumer begins on a wire, once there was one. */
  prefix: DataView | undefined = undefined;

  /** Begins with nothing but the tag. */
  constructor(text: string) {
    this.text = text;
  }
}
