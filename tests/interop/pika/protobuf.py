"""Orders as Protobuf, between this program and the example in TypeScript, both ways."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pika
import support

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "generated"))
from order_pb2 import Order  # noqa: E402

EXAMPLE = HERE.parent.parent.parent / "examples" / "protobuf"
DENO = [os.environ["INTEROP_DENO"], "run", "-A"]

connection = support.connect()
channel = connection.channel()
channel.confirm_delivery()
channel.queue_declare("orders", durable=True)
channel.queue_purge("orders")

# From there to here.
subprocess.run([*DENO, EXAMPLE / "send.ts", "7", "Zoë"], check=True)
[(method, properties, body)] = support.receive(channel, "orders", 1)
support.equal(properties.content_type, "application/x-protobuf")
support.equal(properties.content_encoding, "gzip")
support.equal(properties.type, "warren.examples.Order")
order = Order.FromString(gzip.decompress(body))
support.equal((order.id, order.customer, order.express), (7, "Zoë", True))
support.equal([(item.name, item.count, item.price) for item in order.items], [("carrot", 12, 0.25)])
channel.basic_ack(method.delivery_tag)

# And from here to there.
order = Order(id=2**60, customer="Bob")
order.items.add(name="turnip", count=3, price=1.5)
channel.basic_publish(
    "",
    "orders",
    order.SerializeToString(),
    pika.BasicProperties(content_type="application/x-protobuf", type="warren.examples.Order"),
)
receiver = subprocess.Popen([*DENO, EXAMPLE / "receive.ts"], stdout=subprocess.PIPE, text=True)
try:
    lines = iter(receiver.stdout.readline, "")
    line = next(line for line in lines if line.startswith("Order"))
    support.equal(line.strip(), "Order 1152921504606846976 of Bob: 3 turnip at 1.5")
finally:
    receiver.terminate()
    receiver.wait()
channel.queue_delete("orders")
connection.close()
