# Declare, publish, get and delete with the C library's command line tools.
set -euo pipefail

queue="tools-$$-$RANDOM"
fail() {
  echo "$1" >&2
  exit 1
}

declared=$(amqp-declare-queue --url="$AMQP_URL" --queue="$queue" --durable)
[ "$declared" = "$queue" ] || fail "declared $declared instead of $queue"

amqp-publish --url="$AMQP_URL" --routing-key="$queue" --persistent \
  --content-type=text/plain --content-encoding=utf-8 --reply-to=nobody \
  --header="colour: grüßen" --header="empty:" --body="Hello World!"
body=$(amqp-get --url="$AMQP_URL" --queue="$queue")
[ "$body" = "Hello World!" ] || fail "got $body"

status=0
amqp-get --url="$AMQP_URL" --queue="$queue" || status=$?
[ "$status" = 2 ] || fail "getting from an empty queue ended with $status"

head -c 1000000 /dev/zero | tr '\0' x | amqp-publish --url="$AMQP_URL" --routing-key="$queue"
size=$(amqp-get --url="$AMQP_URL" --queue="$queue" | wc -c)
[ "$size" = 1000000 ] || fail "got $size octets"

amqp-publish --url="$AMQP_URL" --routing-key="$queue" --body="left over"
left=$(amqp-delete-queue --url="$AMQP_URL" --queue="$queue")
[ "$left" = 1 ] || fail "deleted with $left messages"
