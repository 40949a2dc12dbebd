# Hello World: one connection publishes, another one consumes; properties, large bodies, get and delete.
use v5.30;
use warnings FATAL => 'all';

use FindBin;
BEGIN { require "$FindBin::Bin/support.pl" }

my $sender   = connect_to_broker();
my $receiver = connect_to_broker();
my $out      = await($sender, 'open_channel');
my $in       = await($receiver, 'open_channel');

my $queue    = unique('hello');
my $declared = await($in, 'declare_queue', queue => $queue)->method_frame;
equal([$declared->queue, 0 + $declared->message_count], [$queue, 0]);
$out->publish(routing_key => $queue, body => 'Hello World!');
my ($message) = receive($in, $queue, 1);
equal($message->{body}->payload, 'Hello World!');
my $deliver = $message->{deliver}->method_frame;
equal([$deliver->exchange, $deliver->routing_key, 0 + $deliver->redelivered], ['', $queue, 0]);
# what the client sends when it is not told
my $header = $message->{header};
equal([$header->content_type, $header->user_id], ['application/octet-stream', 'guest']);
equal([0 + $header->delivery_mode, 0 + $header->priority], [1, 1]);

carry_properties();
carry_bodies();
get_and_delete();
await($sender, 'close');
await($receiver, 'close');

sub carry_properties {
    my %properties = (
        content_type     => 'text/plain',
        content_encoding => 'utf-8',
        correlation_id   => 'c' x 255,
        reply_to         => 'somewhere',
        expiration       => '60000',
        message_id       => '42',
        type             => 'a type',
        app_id           => 'interop',
        headers          => {
            text    => 'hello',
            number  => Net::AMQP::Value::Integer->new(-1),
            true    => Net::AMQP::Value::true,
            time    => Net::AMQP::Value::Timestamp->new(1_700_000_000),
            list    => ['a', 1, ['b'], {c => 'd'}],
            table   => {a => {b => 'c'}},
            long    => 'x' x 10_000,
        },
    );
    $out->publish(routing_key => $queue, body => '', header => {%properties});
    my ($message) = receive($in, $queue, 1);
    my $header = $message->{header};
    equal([map { $header->$_ } grep { $_ ne 'headers' } sort keys %properties],
        [map { $properties{$_} } grep { $_ ne 'headers' } sort keys %properties]);
    my %back = %{$header->headers};
    equal([map { "$back{$_}" } qw(text number true time long)],
        ['hello', '-1', '1', '1700000000', 'x' x 10_000]);
    equal("@{$back{list}}[0, 1] $back{list}[2][0] $back{list}[3]{c} $back{table}{a}{b}", 'a 1 b d c');
    return;
}

sub carry_bodies {
    my @bodies = map { chr(97 + $_ % 26) x $_ } 0, 1, 131_064, 131_065, 1_000_000;
    # the client takes the body out of what it was given
    $out->publish(routing_key => $queue, body => "$_") for @bodies;
    my $received = bodies(receive($in, $queue, scalar @bodies));
    equal([map { length } @$received], [map { length } @bodies]);
    equal(join('', @$received) eq join('', @bodies), 1, 'equal bodies');
    return;
}

sub get_and_delete {
    equal(ref await($in, 'get', queue => $queue)->{empty}, 'Net::AMQP::Frame::Method');
    $in->publish(routing_key => $queue, body => $_) for qw(one two three);
    my $one = await($in, 'get', queue => $queue);
    equal([$one->{body}->payload, 0 + $one->{ok}->method_frame->message_count], ['one', 2]);
    equal(0 + await($in, 'purge_queue', queue => $queue)->method_frame->message_count, 2);
    $in->publish(routing_key => $queue, body => 'left');
    equal(0 + await($in, 'delete_queue', queue => $queue)->method_frame->message_count, 1);
    return;
}
