import { AmqpError } from "../../amqp/error.ts";
import { finish } from "../../amqp/long_work.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import { txCommitOk, txRollbackOk, txSelectOk } from "../../amqp/methods/tx.ts";
import type { BrokerChannel } from "../channel.ts";
import { type Commit, committing, givingUp, isFew } from "../committing.ts";
import { type HeldWork, isMuch, Transaction } from "../transaction.ts";

/** Carries out the methods of the class `tx`. */
export function handleTx(channel: BrokerChannel, method: Method): void {
  switch (method.name) {
    case "tx.select":
      if (channel.confirms !== undefined) {
        throw new AmqpError(406, "cannot switch from confirm to tx mode");
      }
      channel.transaction ??= new Transaction();
      return channel.send(txSelectOk());
    case "tx.commit":
      return commit(channel, method);
    case "tx.rollback":
      return rollback(channel, method);
    default:
      throw new AmqpError(503, "unimplemented method");
  }
}

function transactionOf(channel: BrokerChannel): Transaction {
  if (channel.transaction === undefined) throw new AmqpError(406, "channel is not transactional");
  return channel.transaction;
}

/** @throws {AmqpError} As `committing` does. */
function commit(channel: BrokerChannel, method: Method): void {
  const held = transactionOf(channel).take();
  const commit: Commit = { touched: false };
  const steps = committing(channel, held, commit);
  const reply = () => channel.sendWhenSynced(txCommitOk(), commit.touched);
  if (isLong(channel, held)) return channel.doInSteps(steps, method, reply);
  finish(steps);
  reply();
}

function rollback(channel: BrokerChannel, method: Method): void {
  const held = transactionOf(channel).take();
  const steps = givingUp(channel, held.publishes, held.settlements);
  const reply = () => channel.send(txRollbackOk());
  if (isLong(channel, held)) return channel.doInSteps(steps, method, reply);
  finish(steps);
  reply();
}

function isLong(channel: BrokerChannel, held: HeldWork): boolean {
  return isMuch(held) || !isFew(channel, held.settlements.length);
}
