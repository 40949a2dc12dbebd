# What openssl's client sees of TLS, with right and wrong certificates.
set -euo pipefail

cd "$INTEROP_CERTIFICATES"
fail() {
  echo "$1" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Shakes hands, waits for what comes back to AMQP's header, or for the end, and prints all of it.
speak() {
  local port=$1 client
  shift
  # open for both, so that the client never reads its end
  rm -f "$work/input" "$work/output"
  mkfifo "$work/input"
  exec 3<>"$work/input"
  printf 'AMQP\0\0\x09\x01' >&3
  : >"$work/output"
  timeout 60 openssl s_client -connect "localhost:$port" -CAfile ca.pem \
    -verify_return_error -verify_hostname localhost "$@" <&3 >"$work/output" 2>&1 &
  client=$!
  until grep -q -a AMQPLAIN "$work/output" || ! kill -0 "$client" 2>/dev/null; do sleep 0.05; done
  kill "$client" 2>/dev/null || true
  wait "$client" || true
  tr -d '\0' <"$work/output"
}

# Looks for something in what came back.
expect() {
  local what=$1 port=$2 output
  shift 2
  output=$(speak "$port" "$@")
  [[ $output == *"$what"* ]] || fail "$* shows no '$what': $output"
}

# AMQP goes on inside, with both versions of TLS.
expect "AMQPLAIN" "$AMQP_TLS_PORT" -tls1_3
expect "AMQPLAIN" "$AMQP_TLS_PORT" -tls1_2
expect "Verify return code: 0 (ok)" "$AMQP_TLS_PORT"

# Older ones are refused.
expect "alert" "$AMQP_TLS_PORT" -tls1_1 -cipher DEFAULT:@SECLEVEL=0

# The broker's certificate is for its host, and signed by the authority that it should be.
expect "self-signed certificate in certificate chain" "$AMQP_TLS_PORT" -CAfile other-ca.pem
expect "hostname mismatch" "$AMQP_TLS_PORT" -verify_hostname elsewhere.example

# EXTERNAL is there for who has a certificate.
expect "EXTERNAL" "$AMQP_TLS_PORT" -cert guest.pem -key guest.key

# A certificate of somebody else's, or one that has expired, ends the connection.
for name in stranger late; do
  output=$(speak "$AMQP_TLS_PORT" -cert $name.pem -key $name.key)
  [[ $output != *"AMQPLAIN"* ]] || fail "$name came in: $output"
done

[[ -n ${AMQP_TLS_STRICT_PORT:-} ]] || exit 0

# Where one is required, nobody comes in without, and is told why.
expect "alert certificate required" "$AMQP_TLS_STRICT_PORT" -tls1_3
output=$(speak "$AMQP_TLS_STRICT_PORT" -tls1_2)
[[ $output != *"AMQPLAIN"* ]] || fail "nobody came in: $output"
expect "AMQPLAIN" "$AMQP_TLS_STRICT_PORT" -cert ann.pem -key ann.key

# Each name that a client asks for has the certificate that is for it, the first one where there is none.
expect "CN = elsewhere.example" "$AMQP_TLS_STRICT_PORT" -cert ann.pem -key ann.key \
  -servername elsewhere.example -verify_hostname elsewhere.example
expect "CN = localhost" "$AMQP_TLS_STRICT_PORT" -cert ann.pem -key ann.key -servername localhost
expect "CN = localhost" "$AMQP_TLS_STRICT_PORT" -cert ann.pem -key ann.key -servername nobody.example
