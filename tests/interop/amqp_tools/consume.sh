# Lines become messages, and amqp-consume hands each to a command and acks it.
set -euo pipefail

queue="tools-$$-$RANDOM"
fail() {
  echo "$1" >&2
  exit 1
}

amqp-declare-queue --url="$AMQP_URL" --queue="$queue" >/dev/null
printf '%s\n' one two three four | amqp-publish --url="$AMQP_URL" --routing-key="$queue" -l

lines=$(amqp-consume --url="$AMQP_URL" --queue="$queue" --prefetch-count=1 --count=3 cat)
[ "$lines" = $'one\ntwo\nthree' ] || fail "consumed $lines"
lines=$(amqp-consume --url="$AMQP_URL" --queue="$queue" --no-ack --count=1 cat)
[ "$lines" = four ] || fail "consumed $lines"

left=$(amqp-delete-queue --url="$AMQP_URL" --queue="$queue")
[ "$left" = 0 ] || fail "$left messages were not acked"
