#!/bin/sh
# Messages go in and come out, as often as one looks.
set -eu
admin() { rabbitmqadmin --host=127.0.0.1 --port="$MANAGEMENT_PORT" --format=raw_json "$@"; }

admin declare queue name=admin_messages durable=true >/dev/null
admin publish exchange=amq.default routing_key=admin_messages payload='hello, world' \
  'properties={"delivery_mode":2,"headers":{"a":1}}' | grep -q 'Message published'
admin publish exchange=amq.default routing_key=admin_nowhere payload=lost |
  grep -q 'NOT routed'
for _ in 1 2; do
  admin get queue=admin_messages ackmode=ack_requeue_true | grep -q '"hello, world"'
done
admin get queue=admin_messages ackmode=ack_requeue_false | grep -q '"delivery_mode": *2'
admin get queue=admin_messages | grep -qx '\[\]'
admin publish exchange=amq.default routing_key=admin_messages payload=gone >/dev/null
admin purge queue name=admin_messages >/dev/null
admin get queue=admin_messages | grep -qx '\[\]'
admin delete queue name=admin_messages >/dev/null
