# What the AnyEvent::RabbitMQ programs share: connecting, waiting, comparing.
use v5.30;
use warnings FATAL => 'all';

use AnyEvent;
use AnyEvent::RabbitMQ;
use Data::Dumper;

$Data::Dumper::Indent   = 0;
$Data::Dumper::Sortkeys = 1;
$Data::Dumper::Terse    = 1;
$Data::Dumper::Useqq    = 1;

# Seconds after which something that should have come has not.
use constant PATIENCE => 60;

# A name that no other run uses.
sub unique {
    my ($name) = @_;
    return sprintf '%s-%d-%08x', $name, $$, rand 2**32;
}

sub equal {
    my ($actual, $expected, $what) = @_;
    my ($got, $wanted) = map { Dumper($_) } $actual, $expected;
    die sprintf "%s: expected %s, got %s\n", $what // 'value', $wanted, $got if $got ne $wanted;
    return;
}

# Lets the event loop work until a condition variable was sent to; gives what it was sent.
sub within {
    my ($event, $what) = @_;
    my $timer = AE::timer PATIENCE, 0, sub { $event->croak("$what: waited for " . PATIENCE . ' s') };
    return $event->recv;
}

# Calls a method that tells by callbacks how it went, and gives what it succeeded with.
sub await {
    my ($object, $method, %arguments) = @_;
    my $event = AE::cv;
    $object->$method(
        %arguments,
        on_success => sub { $event->send(@_) },
        on_failure => sub { $event->croak("$method failed: @_") },
    );
    return scalar within($event, $method);
}

# The same for what has to fail.
sub await_failure {
    my ($object, $method, %arguments) = @_;
    my $event = AE::cv;
    $object->$method(
        %arguments,
        on_success => sub { $event->croak("$method succeeded") },
        on_failure => sub { $event->send(@_) },
    );
    return scalar within($event, "failure of $method");
}

# What to connect with.
sub login {
    my (%options) = @_;
    return (
        host            => '127.0.0.1',
        port            => $ENV{AMQP_PORT},
        user            => 'guest',
        pass            => 'guest',
        vhost           => '/',
        timeout         => PATIENCE,
        on_read_failure => sub { die "@_" },
        %options,
    );
}

sub connect_to_broker {
    my (%options) = @_;
    return await(AnyEvent::RabbitMQ->new->load_xml_spec, 'connect', login(%options));
}

# Declares a queue that is its connection's alone, and gives its name.
sub own_queue {
    my ($channel, %arguments) = @_;
    my $declared = await($channel, 'declare_queue', exclusive => 1, arguments => \%arguments);
    return $declared->method_frame->queue;
}

# Declares a queue that stays, of a kind such as classic or quorum; gives its name.
sub lasting_queue {
    my ($channel, $type) = @_;
    my $queue = unique($type);
    my $arguments = {'x-queue-type' => $type};
    await($channel, 'declare_queue', queue => $queue, durable => 1, arguments => $arguments);
    return $queue;
}

# How many messages wait in a queue.
sub waiting {
    my ($channel, $queue) = @_;
    return await($channel, 'declare_queue', queue => $queue, passive => 1)->method_frame->message_count;
}

# Consumes so many messages.
sub receive {
    my ($channel, $queue, $count, %options) = @_;
    my @messages;
    my $event    = AE::cv;
    my $consumed = await(
        $channel, 'consume',
        queue      => $queue,
        on_consume => sub {
            push @messages, $_[0];
            $event->send if @messages == $count;
        },
        %options,
    );
    within($event, "$count messages of $queue");
    await($channel, 'cancel', consumer_tag => $consumed->method_frame->consumer_tag);
    return @messages;
}

# The bodies of messages; the client gives no frame for one without octets.
sub bodies {
    return [map { $_->{body} ? $_->{body}->payload : '' } @_];
}

1;
