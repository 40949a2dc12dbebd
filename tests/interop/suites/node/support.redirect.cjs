/**
 * Loaded before tests that have RabbitMQ's port in them and cannot be told another: their
 * connections to it come to the broker under test. So nobody's code needs to be changed.
 */

const net = require("node:net");
const process = require("node:process");

const { connect } = net;
net.connect = (options, ...others) =>
  Number(options?.port) === 5672
    ? connect({ ...options, host: "127.0.0.1", port: Number(process.env.AMQP_PORT) }, ...others)
    : connect(options, ...others);
