"""TLS by Python's ssl: certificates of both ends, right and wrong, EXTERNAL, and a renewal."""

import os
import socket
import ssl
import time
import urllib.request

import pika
from pika.exceptions import AMQPConnectionError
from support import PATIENCE, equal, play, raises, receive, true, unique

PORT = int(os.environ["AMQP_TLS_PORT"])
STRICT_PORT = os.environ.get("AMQP_TLS_STRICT_PORT")
CERTIFICATES = os.environ["INTEROP_CERTIFICATES"]


def context(client=None, authority="ca"):
    made = ssl.create_default_context(cafile=f"{CERTIFICATES}/{authority}.pem")
    if client is not None:
        made.load_cert_chain(f"{CERTIFICATES}/{client}.pem", f"{CERTIFICATES}/{client}.key")
    return made


def connect(ssl_context, port=PORT, server_name="localhost", **options):
    return pika.BlockingConnection(
        pika.ConnectionParameters(
            host="localhost",
            port=port,
            socket_timeout=PATIENCE,
            stack_timeout=PATIENCE,
            ssl_options=pika.SSLOptions(ssl_context, server_name),
            **options,
        )
    )


def external(client, port=PORT):
    credentials = pika.credentials.ExternalCredentials()
    return connect(context(client), port, credentials=credentials)


def main():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        made = context()
        made.minimum_version = made.maximum_version = version
        exchange_messages(connect(made))

    # our certificate is asked for, and one that is wrong keeps us out
    exchange_messages(connect(context("ann")))
    for client, why in (("stranger", "signed by nobody who is trusted"), ("late", "has expired")):
        before = log()
        raises(AMQPConnectionError, lambda: connect(context(client)))
        logged(before, why)

    # theirs is looked at
    wrong = ssl.SSLCertVerificationError
    refused = raises(wrong, lambda: connect(context(authority="other-ca")))
    true("self-signed certificate in certificate chain" in str(refused), refused)
    refused = raises(wrong, lambda: connect(context(), server_name="elsewhere.example"))
    true("Hostname mismatch" in str(refused), refused)

    # the certificate says who logs in
    exchange_messages(external("guest"))
    raises(AMQPConnectionError, lambda: external("ann"))  # there is no such user
    raises(AMQPConnectionError, lambda: external(None))

    if STRICT_PORT is not None:
        strict = int(STRICT_PORT)
        raises(AMQPConnectionError, lambda: connect(context(), strict))
        exchange_messages(external("guest", strict))
        renew_certificate()


def exchange_messages(connection):
    channel = connection.channel()
    channel.confirm_delivery()
    queue = channel.queue_declare(unique("tls"), exclusive=True).method.queue
    bodies = [b"", b"hello", os.urandom(20_000), os.urandom(3_000_000)]
    for body in bodies:
        channel.basic_publish("", queue, body)
    received = receive(channel, queue, len(bodies), auto_ack=True)
    equal([body for _, _, body in received], bodies)
    connection.close()


def renew_certificate():
    """Who is connected stays so; who comes gets the new certificate."""
    open_before = connect(context())
    equal(subject_of_broker(), "localhost")
    control("renew")
    try:
        equal(subject_of_broker(), "renewed")
        exchange_messages(connect(context()))
        exchange_messages(open_before)
    finally:
        control("renew")
    equal(subject_of_broker(), "localhost")


def subject_of_broker():
    with socket.create_connection(("localhost", PORT)) as below:
        with context().wrap_socket(below, server_hostname="localhost") as wrapped:
            names = dict(part for names in wrapped.getpeercert()["subject"] for part in names)
            return names["commonName"]


def log():
    """What the broker has written; nothing of one whose log cannot be had."""
    with urllib.request.urlopen(os.environ["INTEROP_CONTROL_URL"] + "log") as answer:
        return answer.read().decode()


def logged(before, why):
    """Why it is over, the broker alone says: TLS 1.3 has been agreed on when it looks."""
    if before == "":
        return
    until = time.monotonic() + PATIENCE
    while why not in log()[len(before) :]:
        true(time.monotonic() < until, f"{why!r} in {log()[len(before):]!r}")
        time.sleep(0.05)


def control(command):
    request = urllib.request.Request(os.environ["INTEROP_CONTROL_URL"] + command, method="POST")
    urllib.request.urlopen(request).close()


play(main)
