import { basicQos } from "../../broker/amqp/methods/basic.ts";
import type { WireCase } from "../support/harness.ts";
import { heard } from "./wire_observe.ts";

/** Heartbeats of one second: these cases take their time. */
export const heartbeat: readonly WireCase[] = [
  {
    name: "a silent client hears the broker's, and is dropped without a word",
    async run({ login }) {
      const peer = await login({ heartbeat: 1 });
      const started = performance.now();
      await peer.expectEnd();
      const seconds = (performance.now() - started) / 1000;
      return { beats: peer.heartbeats >= 2, inTime: seconds > 1.5 && seconds < 6 };
    },
    expect: { beats: true, inTime: true },
  },
  {
    name: "a client that beats is kept",
    async run({ login }) {
      const peer = await login({ heartbeat: 1 });
      while (peer.heartbeats < 4) {
        await peer.expectHeartbeat();
        await peer.sendHeartbeat();
      }
      await peer.send(1, basicQos());
      return await heard(peer, 1);
    },
    expect: ["1 basic.qos-ok"],
  },
  {
    name: "anything that a client sends counts as one",
    async run({ login }) {
      const peer = await login({ heartbeat: 1 });
      const started = performance.now();
      // longer than a silent one is kept
      for (let replies = 0; replies < 4 || performance.now() - started < 3_500; replies++) {
        await peer.send(1, basicQos());
        await peer.expect(1, "basic.qos-ok");
        await peer.expectHeartbeat();
      }
      await peer.send(1, basicQos());
      return await heard(peer, 1);
    },
    expect: ["1 basic.qos-ok"],
  },
];
