import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicAck,
  basicConsume,
  basicGet,
  basicNack,
  basicPublish,
  basicQos,
  basicRecover,
  channelClose,
  channelOpen,
  connectionClose,
  exchangeDeclare,
  exchangeDelete,
  exchangeBind,
  type Method,
  queueBind,
  queueDeclare,
  queueDelete,
} from "../../broker/amqp/methods/mod.ts";
