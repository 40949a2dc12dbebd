#!/bin/sh
# What is exported comes back with an import, also twice.
set -eu
admin() { rabbitmqadmin --host=127.0.0.1 --port="$MANAGEMENT_PORT" "$@"; }
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

admin declare queue name=admin_kept durable=true 'arguments={"x-queue-type":"quorum"}'
admin declare exchange name=admin_source type=headers
admin declare binding source=admin_source destination=admin_kept 'arguments={"x-match":"all","a":1}'
admin export "$folder/definitions.json"
grep -q admin_kept "$folder/definitions.json"

admin delete queue name=admin_kept
admin delete exchange name=admin_source
admin import "$folder/definitions.json"
admin import "$folder/definitions.json"
admin --format=tsv list queues name | grep -qx admin_kept
admin --format=tsv list bindings source destination | grep -q 'admin_source.*admin_kept'
admin export "$folder/again.json"
cmp "$folder/definitions.json" "$folder/again.json"
admin delete queue name=admin_kept
admin delete exchange name=admin_source
