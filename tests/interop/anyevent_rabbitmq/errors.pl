# What the broker refuses closes a channel or the connection, with code and reason; a consumer whose queue
# is deleted is told.
use v5.30;
use warnings FATAL => 'all';

use FindBin;
BEGIN { require "$FindBin::Bin/support.pl" }

my $connection = connect_to_broker();
my $other      = connect_to_broker();
my $bystander  = await($connection, 'open_channel');
my $locked     = unique('locked');
await(await($other, 'open_channel'), 'declare_queue', queue => $locked, exclusive => 1);
my $nowhere    = unique('nowhere');
my $no_queue   = "NOT_FOUND - no queue '$nowhere' in vhost '/'";

for my $case (
    [declare_queue => {queue => $nowhere, passive => 1}, 404, $no_queue],
    [consume       => {queue => $nowhere}, 404, $no_queue],
    [get           => {queue => $nowhere}, 404, $no_queue],
    [
        bind_queue => {queue => $nowhere, exchange => 'amq.direct', routing_key => ''},
        404, $no_queue,
    ],
    [
        declare_queue => {queue => 'amq.mine'},
        403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
    ],
    [
        declare_queue => {queue => $locked},
        405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '$locked' in vhost '/'.",
    ],
    [
        declare_exchange => {exchange => 'amq.topic', type => 'fanout', durable => 1},
        406, "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.topic' in vhost '/':",
    ],
    [commit_tx => {}, 406, 'PRECONDITION_FAILED - channel is not transactional'],
) {
    my ($method, $arguments, $code, $reason) = @$case;
    my $closed  = AE::cv;
    my $channel = await($connection, 'open_channel', on_close => sub { $closed->send(@_) });
    equal(await_failure($channel, $method, %$arguments), 'Channel closed');
    closed_with(within($closed, 'on_close'), $code, $reason);
    equal([$channel->is_open, $connection->is_open], [!!0, !!1]);
    own_queue($bystander);
}
refuse_unknown_ack();
cancel_consumer();
close_connection();
refuse_logins();
await($connection, 'close');
await($other, 'close');

sub closed_with {
    my ($frame, $code, $reason) = @_;
    my $close = $frame->method_frame;
    equal([0 + $close->reply_code, substr $close->reply_text, 0, length $reason], [$code, $reason]);
    return;
}

sub refuse_unknown_ack {
    my $closed  = AE::cv;
    my $channel = await($connection, 'open_channel', on_close => sub { $closed->send(@_) });
    $channel->ack(delivery_tag => 99);
    closed_with(within($closed, 'on_close'), 406, 'PRECONDITION_FAILED - unknown delivery tag 99');
    return;
}

sub cancel_consumer {
    my $channel   = await($connection, 'open_channel');
    my $queue     = own_queue($bystander);
    my $cancelled = AE::cv;
    my $consumed  = await(
        $channel, 'consume',
        queue     => $queue,
        on_cancel => sub { $cancelled->send(@_) },
    );
    await($bystander, 'delete_queue', queue => $queue);
    my $cancel = within($cancelled, 'basic.cancel')->method_frame;
    equal($cancel->consumer_tag, $consumed->method_frame->consumer_tag);
    equal($channel->is_open, !!1);
    return;
}

sub close_connection {
    my $closed  = AE::cv;
    my $doomed  = connect_to_broker(on_close => sub { $closed->send(@_) });
    my $channel = await($doomed, 'open_channel');
    $channel->qos(prefetch_size => 10, on_failure => sub { });
    closed_with(within($closed, 'on_close'), 540, 'NOT_IMPLEMENTED - prefetch_size!=0 (10)');
    equal([$doomed->is_open, $channel->is_open], [!!0, !!0]);
    return;
}

# The client does not say that it understands connection.close in an answer to its login.
sub refuse_logins {
    my $client  = AnyEvent::RabbitMQ->new->load_xml_spec;
    my $refused = AE::cv;
    $client->connect(
        login(pass => 'wrong'),
        on_success => sub { $refused->croak('let in') },
        on_failure => sub { $refused->send(@_) },
    );
    within($refused, 'a refused login');

    my $closed = AE::cv;
    my $nobody = AnyEvent::RabbitMQ->new->load_xml_spec;
    $nobody->connect(
        login(vhost => $nowhere),
        on_success => sub { $closed->croak('let in') },
        on_close   => sub { $closed->send(@_) },
    );
    closed_with(within($closed, 'on_close'), 530, "NOT_ALLOWED - vhost $nowhere not found");
    return;
}
