# Publisher confirms, acks and nacks, and returns of what no queue takes.
use v5.30;
use warnings FATAL => 'all';

use FindBin;
BEGIN { require "$FindBin::Bin/support.pl" }

my $connection = connect_to_broker();
for my $type (qw(classic quorum)) {
    my $channel = await($connection, 'open_channel');
    my $queue   = lasting_queue($channel, $type);
    await($channel, 'confirm');
    my @outcomes = publish($channel, map { [$queue, "message $_"] } 1 .. 500);
    equal(\@outcomes, [('ack') x 500]);
    equal(0 + waiting($channel, $queue), 500);
    await($channel, 'delete_queue', queue => $queue);
}
refuse_when_full(await($connection, 'open_channel'));
return_mandatory(await($connection, 'open_channel'));
return_without_confirms();
await($connection, 'close');

# Publishes to queues and tells what became of each.
sub publish {
    my ($channel, @messages) = @_;
    my @outcomes = ('') x @messages;
    my $confirmed = AE::cv;
    for my $index (0 .. $#messages) {
        my ($queue, $body) = @{$messages[$index]};
        $confirmed->begin;
        my $confirm = sub {
            $outcomes[$index] .= $_[0];
            $confirmed->end;
        };
        $channel->publish(
            routing_key => $queue,
            body        => $body,
            mandatory   => 1,
            header      => {delivery_mode => 2},
            on_ack      => sub { $confirm->('ack') },
            on_nack     => sub { $confirm->('nack') },
            on_return   => sub { $outcomes[$index] .= $_[0]->method_frame->reply_code . ' then ' },
        );
    }
    within($confirmed, 'confirms');
    return @outcomes;
}

sub refuse_when_full {
    my ($channel) = @_;
    my $queue = own_queue($channel, 'x-max-length' => 2, 'x-overflow' => 'reject-publish');
    await($channel, 'confirm');
    my @outcomes = map { publish($channel, [$queue, $_]) } qw(one two three four);
    equal(\@outcomes, [qw(ack ack nack nack)]);
    equal(bodies(receive($channel, $queue, 2)), ['one', 'two']);
    return;
}

sub return_mandatory {
    my ($channel) = @_;
    my $queue = own_queue($channel);
    await($channel, 'confirm');
    my @outcomes = publish($channel, [unique('nobody'), 'a'], [$queue, 'b'], [unique('nobody'), 'c']);
    equal(\@outcomes, ['312 then ack', 'ack', '312 then ack']);
    equal(bodies(receive($channel, $queue, 1)), ['b']);
    return;
}

sub return_without_confirms {
    my $event = AE::cv;
    # the client takes this for all channels of a connection
    my $connection = await(
        AnyEvent::RabbitMQ->new(on_return => sub { $event->send(@_) })->load_xml_spec,
        'connect', login(),
    );
    my $missing = unique('nobody');
    my $channel = await($connection, 'open_channel');
    $channel->publish(routing_key => $missing, body => 'come back', mandatory => 1);
    my $return = within($event, 'the return')->method_frame;
    equal([0 + $return->reply_code, $return->reply_text], [312, 'NO_ROUTE']);
    equal([$return->exchange, $return->routing_key], ['', $missing]);
    await($connection, 'close');
    return;
}
