"""AMQPLAIN and PLAIN let guest in, a wrong password keeps anybody out."""

import amqp
from amqp import sasl
from support import connect, equal, raises


def main():
    for mechanism in ["AMQPLAIN", "PLAIN"]:
        with connect(login_method=mechanism) as connection:
            connection.channel().queue_declare("", exclusive=True)
            equal(mechanism.encode() in connection.mechanisms, True, f"{mechanism} is offered")

    # The library picks the first of its own that is offered, so this is AMQPLAIN too.
    with connect() as connection:
        equal(connection.server_properties["capabilities"]["basic.nack"], True)

    wrong = sasl.AMQPLAIN("guest", "wrong")
    error = raises(amqp.AccessRefused, lambda: connect(authentication=[wrong]).connect())
    equal(error.reply_code, 403)
    equal(
        error.reply_text,
        "ACCESS_REFUSED - Login was refused using authentication mechanism AMQPLAIN."
        " For details see the broker logfile.",
    )


main()
