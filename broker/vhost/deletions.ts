import type { Steps } from "../amqp/long_work.ts";
import type { VirtualHost } from "./vhost.ts";

/** The vhosts that are being deleted: none of them can be entered, and there may be very much in them. */
export class VhostDeletions {
  readonly #underWay = new Map<string, { vhost: VirtualHost; done: Promise<void> }>();

  /**
   * Begins one. Resolves when nothing is left; rejects with what went wrong.
   *
   * @param onGone Called in the same moment in which the last of it goes.
   */
  begin(vhost: VirtualHost, onGone: () => void): Promise<void> {
    const { name } = vhost;
    let isDone = false;
    const done = new Promise<void>((resolve, reject) => {
      vhost.inBackground(deleting(vhost, onGone), (error) => {
        isDone = true;
        // it may be another one's name by now
        if (this.#underWay.get(name)?.vhost === vhost) this.#underWay.delete(name);
        if (error === undefined) resolve();
        else reject(error);
      });
    });
    if (!isDone) this.#underWay.set(name, { vhost, done });
    return done;
  }

  /** Resolves when nothing is left of the vhost of this name; undefined when it is not being deleted. */
  of(name: string): Promise<void> | undefined {
    return this.#underWay.get(name)?.done;
  }

  /**
   * Does at once what is left.
   *
   * @param name Of the vhost of this name. Default: of all.
   */
  finish(name?: string): void {
    for (const [of, { vhost }] of this.#underWay) {
      if (name !== undefined && of !== name) continue;
      this.#underWay.delete(of);
      vhost.stop();
    }
  }
}

function* deleting(vhost: VirtualHost, onGone: () => void): Steps {
  yield* vhost.deleting();
  onGone();
}
