# What the broker refuses reaches the tools with its reason.
set -euo pipefail

missing="missing-$$-$RANDOM"
fail() {
  echo "$1" >&2
  exit 1
}

# Runs a tool that must fail, and looks for the reason in what it says.
refused() {
  local reason=$1 output
  shift
  if output=$("$@" 2>&1); then fail "$* succeeded"; fi
  [[ $output == *"$reason"* ]] || fail "$* failed with $output"
}

refused "NOT_FOUND - no queue '$missing' in vhost '/'" \
  amqp-get --url="$AMQP_URL" --queue="$missing"
refused "NOT_FOUND - no queue '$missing' in vhost '/'" \
  amqp-consume --url="$AMQP_URL" --queue="$missing" cat
refused "NOT_FOUND - no exchange '$missing' in vhost '/'" \
  amqp-publish --url="$AMQP_URL" --exchange="$missing" --routing-key=k --body=lost
refused "ACCESS_REFUSED" \
  amqp-get --server=127.0.0.1 --port="$AMQP_PORT" --username=guest --password=wrong --queue=any
refused "NOT_ALLOWED - vhost $missing not found" \
  amqp-get --server=127.0.0.1 --port="$AMQP_PORT" --vhost="$missing" --queue=any
