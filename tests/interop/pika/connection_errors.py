"""Logins that are refused, and hard errors, which close the whole connection."""

import pika
from pika.exceptions import (
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)
from support import connect, equal, play, raises, true, unique


def main():
    wrong = pika.PlainCredentials("guest", "wrong")
    refused = raises(ProbableAuthenticationError, lambda: connect(credentials=wrong))
    true("(403) 'ACCESS_REFUSED - Login was refused using" in str(refused), refused)

    vhost = unique("nowhere")
    refused = raises(ProbableAccessDeniedError, lambda: connect(virtual_host=vhost))
    true(f"(530) 'NOT_ALLOWED - vhost {vhost} not found'" in str(refused), refused)

    connection = connect()
    channel, other = connection.channel(), connection.channel()
    error = raises(ConnectionClosedByBroker, lambda: ask_for_size(channel))
    equal(error.reply_code, 540)
    equal(error.reply_text, "NOT_IMPLEMENTED - prefetch_size!=0 (10)")
    equal((connection.is_open, other.is_open), (False, False))


def ask_for_size(channel):
    channel.basic_qos(prefetch_size=10)


play(main)
