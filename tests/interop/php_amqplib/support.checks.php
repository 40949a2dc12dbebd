<?php

/** What all programs in PHP share, whatever their client: fresh names, comparing, workers, the control. */

declare(strict_types=1);

/** Seconds after which something that should have come has not. */
const PATIENCE = 60;

define('PORT', (int) getenv('AMQP_PORT'));
define('TLS_PORT', (int) getenv('AMQP_TLS_PORT'));
define('CERTIFICATES', getenv('INTEROP_CERTIFICATES'));

// A notice is a failure; what a library silences itself stays silent.
set_error_handler(function (int $severity, string $message, string $file, int $line): bool {
    if ((error_reporting() & $severity) === 0) {
        return false;
    }
    throw new ErrorException($message, 0, $severity, $file, $line);
});

/** A name that no other run uses. */
function unique(string $name): string
{
    return $name . '-' . bin2hex(random_bytes(4));
}

function equal(mixed $actual, mixed $expected, string $what = 'value'): void
{
    if ($actual !== $expected) {
        $shown = fn (mixed $value) => substr(var_export($value, true), 0, 4000);
        throw new Exception("$what: expected {$shown($expected)}, got {$shown($actual)}");
    }
}

function true(bool $holds, string $what): void
{
    if (!$holds) {
        throw new Exception("$what does not hold");
    }
}

/** Runs the action and gives the exception that it must throw. */
function raises(string $kind, callable $action): Throwable
{
    try {
        $action();
    } catch (Throwable $error) {
        if ($error instanceof $kind) {
            return $error;
        }
        throw $error;
    }
    throw new Exception("$kind was not thrown");
}

/** Has something done to the broker, such as `restart`, `kill`, `block` and `unblock`. */
function control(string $action): void
{
    begin_control($action)();
}

/** The same, without waiting until it is done: what is given back does that. */
function begin_control(string $action): callable
{
    $authority = parse_url(getenv('INTEROP_CONTROL_URL'));
    $stream = stream_socket_client("tcp://{$authority['host']}:{$authority['port']}");
    fwrite($stream, "POST /$action HTTP/1.1\r\nhost: control\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    return function () use ($stream): void {
        stream_set_timeout($stream, 300);
        $answer = stream_get_contents($stream);
        true(str_starts_with($answer, 'HTTP/1.1 204'), "204 in $answer");
    };
}

/** This program again, in a process of its own and in another role. */
final class Worker
{
    private mixed $process;
    private mixed $output;

    public function __construct(string ...$arguments)
    {
        $command = [PHP_BINARY, $_SERVER['argv'][0], ...$arguments];
        $descriptors = [['file', '/dev/null', 'r'], ['pipe', 'w'], STDERR];
        $this->process = proc_open($command, $descriptors, $pipes);
        $this->output = $pipes[1];
    }

    /** The next line that it prints. */
    public function line(): string
    {
        $line = fgets($this->output);
        true($line !== false, 'the worker has something more to say, which');
        return rtrim($line, "\n");
    }

    /** The next lines. */
    public function lines(int $count): array
    {
        return array_map(fn () => $this->line(), range(1, $count));
    }

    public function signal(int $number): void
    {
        proc_terminate($this->process, $number);
    }

    /** Ends it at once, with no chance to close anything. */
    public function kill(): void
    {
        if ($this->process === null) {
            return;
        }
        $this->signal(SIGKILL);
        fclose($this->output);
        proc_close($this->process);
        $this->process = null;
    }

    public function __destruct()
    {
        $this->kill();
    }
}

/** Prints a line for the parent to read. */
function say(string $line): void
{
    fwrite(STDOUT, "$line\n");
}

/** Plays the role that the command line names; the main one when it names none. */
function play(callable $main, callable ...$roles): void
{
    $arguments = array_slice($_SERVER['argv'], 1);
    try {
        $arguments === [] ? $main() : $roles[$arguments[0]](...array_slice($arguments, 1));
    } catch (Throwable $error) {
        // not left to PHP, which would leave the workers behind
        fwrite(STDERR, "$error\n");
        exit(1);
    }
}
