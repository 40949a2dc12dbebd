# Acks: one by one, many at once, none by a worker that is killed; reject, recover, and in transactions.
use v5.30;
use warnings FATAL => 'all';

use FindBin;
BEGIN { require "$FindBin::Bin/support.pl" }

my @TASKS = map { "task $_" } 0 .. 4;

if (@ARGV) { work(@ARGV) }
else       { main() }

sub main {
    my $connection = connect_to_broker();
    survive_killed_worker(await($connection, 'open_channel'));
    reject_and_recover(await($connection, 'open_channel'));
    commit_and_roll_back(map { await($connection, 'open_channel') } 1, 2);
    await($connection, 'close');
    return;
}

sub survive_killed_worker {
    my ($channel) = @_;
    # what comes back to a quorum queue has a header that the client cannot read
    my $queue = lasting_queue($channel, 'classic');
    $channel->publish(routing_key => $queue, body => "$_", header => {delivery_mode => 2}) for @TASKS;
    my $pid = open my $worker, '-|', $^X, $0, $queue or die "no worker: $!";
    equal([map { scalar <$worker> } 1 .. 3], ["task 0\n", "task 1\n", "the others are not done\n"]);
    kill KILL => $pid;
    close $worker;
    my @messages = receive($channel, $queue, 3, no_ack => 0);
    equal(bodies(@messages), [@TASKS[2 .. 4]]);
    equal(0 + $messages[0]{deliver}->method_frame->redelivered, 1);
    $channel->ack(delivery_tag => $messages[2]{deliver}->method_frame->delivery_tag, multiple => 1);
    equal(0 + waiting($channel, $queue), 0);
    await($channel, 'delete_queue', queue => $queue);
    return;
}

sub work {
    my ($queue)    = @_;
    my $connection = connect_to_broker();
    my $channel    = await($connection, 'open_channel');
    my $count      = 0;
    $| = 1;
    await(
        $channel, 'consume',
        queue      => $queue,
        no_ack     => 0,
        on_consume => sub {
            my ($message) = @_;
            my $task = $message->{body}->payload;
            if (++$count <= 2) {
                $channel->ack(delivery_tag => $message->{deliver}->method_frame->delivery_tag);
                say $task;
            }
            # an answer to this means that the acks have arrived
            $channel->declare_queue(
                queue      => $queue,
                passive    => 1,
                on_success => sub { say 'the others are not done' },
            ) if $count == @TASKS;
        },
    );
    AE::cv->recv; # until it is killed
    return;
}

sub reject_and_recover {
    my ($channel) = @_;
    my $queue = own_queue($channel);
    $channel->publish(routing_key => $queue, body => $_) for qw(a b c);
    my ($first, $second) = map { await($channel, 'get', queue => $queue, no_ack => 0) } 1 .. 3;
    $channel->reject(delivery_tag => $first->{ok}->method_frame->delivery_tag);
    $channel->reject(delivery_tag => $second->{ok}->method_frame->delivery_tag, requeue => 1);
    await($channel, 'recover');
    my @messages = receive($channel, $queue, 2);
    equal(bodies(@messages), ['b', 'c']);
    equal([map { 0 + $_->{deliver}->method_frame->redelivered } @messages], [1, 1]);
    return;
}

sub commit_and_roll_back {
    my ($channel, $observer) = @_;
    my $queue = own_queue($channel);
    await($channel, 'select_tx');
    $channel->publish(routing_key => $queue, body => 'never');
    await($channel, 'rollback_tx');
    $channel->publish(routing_key => $queue, body => 'in the end');
    equal(0 + waiting($observer, $queue), 0);
    await($channel, 'commit_tx');
    equal(bodies(receive($observer, $queue, 1)), ['in the end']);
    return;
}
