#!/bin/sh
# What rabbitmqadmin declares, it lists; what it deletes is gone.
set -eu
admin() { rabbitmqadmin --host=127.0.0.1 --port="$MANAGEMENT_PORT" "$@"; }
has() { admin --format=tsv list "$1" name | grep -qx "$2"; }

admin declare vhost name=admin_vhost
admin declare user name=admin_user password=secret tags=management
admin declare permission vhost=admin_vhost user=admin_user configure='.*' write='.*' read='.*'
admin declare exchange name=admin_exchange type=topic
admin declare queue name=admin_queue durable=true 'arguments={"x-max-length":5}'
admin declare binding source=admin_exchange destination=admin_queue routing_key=a.b
admin declare policy name=admin_policy pattern='^admin_queue$' 'definition={"max-length":3}' apply-to=queues

has vhosts admin_vhost
has users admin_user
has exchanges admin_exchange
has queues admin_queue
has policies admin_policy
admin --format=tsv list bindings source destination routing_key |
  grep -q "admin_exchange.*admin_queue.*a.b"
admin --vhost=admin_vhost --username=admin_user --password=secret list queues >/dev/null
for kind in connections channels consumers nodes permissions parameters; do
  admin list "$kind" >/dev/null
done
admin show overview | grep -q rabbitmq_version

admin delete binding source=admin_exchange destination_type=queue destination=admin_queue \
  properties_key=a.b
if admin --format=tsv list bindings source | grep -qx admin_exchange; then exit 1; fi
admin delete queue name=admin_queue
admin delete exchange name=admin_exchange
admin delete policy name=admin_policy
admin delete permission vhost=admin_vhost user=admin_user
admin delete user name=admin_user
admin delete vhost name=admin_vhost
if has queues admin_queue; then exit 1; fi
# what is not there is told
if admin delete queue name=admin_queue 2>/dev/null; then exit 1; fi
