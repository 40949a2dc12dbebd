#!/bin/sh
# Makes the certificates of the tests, all of them anew. They guard nothing: their keys are public.
# What is not there to have expired is valid for a hundred years.
#
#   ca                  signs all the others
#   intermediate        signs bob, whose file has it as well
#   other-ca            nobody trusts it; signs stranger, who calls himself ann
#   strict-ca           signs carol, and mallory and withdrawn, whose certificates it takes back: strict.crl;
#                       outdated.crl and empty.crl say nothing of them, and the first no longer counts
set -eu
cd "$(dirname "$0")"
rm -f ./*.pem ./*.key ./*.crl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/openssl.cnf" <<'CNF'
[ca]
default_ca = made
[made]
database = $ENV::WORK/index.txt
crlnumber = $ENV::WORK/crlnumber
new_certs_dir = $ENV::WORK
rand_serial = yes
default_md = sha256
unique_subject = no
policy = anything
[anything]
commonName = optional
[req]
distinguished_name = nothing
[nothing]
CNF
export WORK="$work"
: > "$work/index.txt"
echo 01 > "$work/crlnumber"

# key NAME
key() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2> /dev/null
}

# sign CA NAME SUBJECT EXTENSIONS [UNTIL]
sign() {
  key "$2"
  openssl req -new -config "$work/openssl.cnf" -utf8 -multivalue-rdn -key "$2.key" -subj "$3" \
    -out "$work/$2.csr" 2> /dev/null
  printf '%b' "$4" > "$work/$2.ext"
  openssl ca -batch -notext -preserveDN -utf8 -config "$work/openssl.cnf" -cert "$1.pem" \
    -keyfile "$1.key" -in "$work/$2.csr" -extfile "$work/$2.ext" -startdate 20200101000000Z \
    -enddate "${5:-21200101000000Z}" -out "$2.pem" 2> /dev/null
}

# root NAME SUBJECT
root() {
  key "$1"
  openssl req -new -config "$work/openssl.cnf" -key "$1.key" -subj "$2" -out "$work/$1.csr"
  printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' \
    > "$work/$1.ext"
  openssl ca -batch -notext -selfsign -config "$work/openssl.cnf" -keyfile "$1.key" \
    -in "$work/$1.csr" -extfile "$work/$1.ext" -startdate 20200101000000Z \
    -enddate 21200101000000Z -out "$1.pem" 2> /dev/null
}

# revoked CA NAME [UNTIL]: the list of what it has taken back so far
revoked() {
  openssl ca -gencrl -config "$work/openssl.cnf" -cert "$1.pem" -keyfile "$1.key" \
    -crl_lastupdate 20200101000000Z -crl_nextupdate "${3:-21200101000000Z}" -out "$2.crl" 2> /dev/null
}

SERVER='extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n'
CLIENT='extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n'
HERE='subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n'

root ca '/CN=Burrow CA'
root other-ca '/CN=Fox CA'
sign ca server '/O=Burrow/CN=localhost' "$SERVER$HERE"
sign ca renewed '/O=Burrow/CN=renewed' "$SERVER$HERE"
sign ca elsewhere '/CN=elsewhere.example' "${SERVER}subjectAltName=DNS:elsewhere.example\n"
sign ca outdated '/CN=localhost' "$SERVER$HERE" 20210101000000Z
sign ca ann '/C=GB/O=Burrow, Ltd/OU=Digging/CN=ann' \
  "${CLIENT}subjectAltName=DNS:ann.example,DNS:ann2.example,email:ann@example.com,URI:urn:ann\n"
sign ca odd '/DC=example/DC=burrow/UID=o1/O= #1 "Tür" <x;y>\+z\\\\/CN=odd+CN=odder/2.5.4.9=Lane 1/emailAddress=o@example.com' "$CLIENT"
sign ca guest '/CN=guest' "$CLIENT"
sign ca late '/CN=ann' "$CLIENT" 20210101000000Z
sign ca intermediate '/CN=Burrow Staff CA' \
  'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n'
sign intermediate bob '/CN=bob' "$CLIENT"
cat intermediate.pem >> bob.pem
root strict-ca '/CN=Strict CA'
sign strict-ca carol '/CN=carol' "$CLIENT"
sign strict-ca mallory '/CN=mallory' "$CLIENT"
sign strict-ca withdrawn '/CN=localhost' "$SERVER$HERE"
revoked strict-ca empty
revoked strict-ca outdated 20210101000000Z
for name in mallory withdrawn; do
  openssl ca -config "$work/openssl.cnf" -cert strict-ca.pem -keyfile strict-ca.key \
    -revoke $name.pem -crl_reason keyCompromise 2> /dev/null
done
revoked strict-ca strict
openssl pkey -in server.key -aes256 -passout pass:carrot -out server-encrypted.key
sign other-ca stranger '/CN=ann' "$CLIENT"
# version1: without extensions OpenSSL makes version 1 of X.509, up to 3.1
key version1
openssl req -new -config "$work/openssl.cnf" -key version1.key -subj '/CN=ann' -out "$work/version1.csr"
openssl x509 -req -in "$work/version1.csr" -signkey version1.key -days 36500 -out version1.pem \
  2> /dev/null
rm -f other-ca.key strict-ca.key intermediate.key intermediate.pem ca.key
