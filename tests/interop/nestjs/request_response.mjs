/** A microservice that answers: values, streams of them, errors, and what it does not know. */

import assert from "node:assert/strict";
import {
  ask,
  client,
  MessagePattern,
  RmqRecordBuilder,
  RpcException,
  rxjs,
  serve,
  unique,
} from "./support.mjs";

const queue = unique("nest");
const options = { queue, queueOptions: { durable: true } };

const app = await serve({
  sum: [MessagePattern({ cmd: "sum" }), (numbers) => numbers.reduce((a, b) => a + b, 0)],
  count: [MessagePattern("count"), (to) => rxjs.range(1, to)],
  fail: [MessagePattern("fail"), () => {
    throw new RpcException("as asked");
  }],
  header: [MessagePattern("header"), (_, context) => {
    const { headers, priority } = context.getMessage().properties;
    return [headers["x-version"], priority];
  }],
}, options);

const proxy = client(options);
await proxy.connect();
assert.deepEqual(await ask(proxy, { cmd: "sum" }, [1, 2, 3]), [6]);
assert.deepEqual(await ask(proxy, "count", 5), [1, 2, 3, 4, 5]);
await assert.rejects(ask(proxy, "fail", {}), (error) => error.message === "as asked");
await assert.rejects(ask(proxy, "nothing", {}), /no matching message handler/i);

// many at once, over direct reply-to
const sums = Array.from({ length: 200 }, (_, n) => ask(proxy, { cmd: "sum" }, [n, n]));
assert.deepEqual((await Promise.all(sums)).flat(), sums.map((_, n) => 2 * n));

const record = new RmqRecordBuilder({})
  .setOptions({ headers: { "x-version": "1.0.0" }, priority: 3 })
  .build();
assert.deepEqual(await ask(proxy, "header", record), [["1.0.0", 3]]);

await proxy.close();
await app.close();

// a microservice that acks by hand, two at a time
const byHand = unique("nest");
const manual = { queue: byHand, queueOptions: { durable: false }, prefetchCount: 2 };
const replies = await serve({
  echo: [MessagePattern("echo"), (data, context) => {
    context.getChannelRef().ack(context.getMessage());
    return data;
  }],
}, { ...manual, noAck: false });
const other = client(manual);
assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map((n) => ask(other, "echo", n))), [
  [1],
  [2],
  [3],
  [4],
  [5],
]);
await other.close();
await replies.close();
