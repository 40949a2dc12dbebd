// An event log in a stream: readers begin where they like, at the same time, and take nothing away.
package main

import (
	"context"
	"fmt"
	"strconv"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	events   = 500
	prefetch = 40
)

func main() { support.Main(run) }

func run() (string, error) {
	conn, ch, err := support.Connect()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stream, err := ch.QueueDeclare(support.Unique("log"), true, false, false, false, amqp.Table{
		amqp.QueueTypeArg:         amqp.QueueTypeStream,
		amqp.StreamMaxAgeArg:      "1h",
		amqp.StreamMaxLenBytesArg: int64(100_000_000),
	})
	if err != nil {
		return "", err
	}
	defer ch.QueueDelete(stream.Name, false, false, false)
	if err := ch.Confirm(false); err != nil {
		return "", err
	}
	if err := publish(ch, stream.Name, 0, events); err != nil {
		return "", err
	}

	offsets := map[string]any{"first": "first", "middle": int64(events / 2), "tail": "next"}
	starts := map[string]int64{"first": 0, "middle": events / 2, "tail": events}
	caughtUp := make(chan string, len(offsets))
	ended := make(chan error, len(offsets))
	for name, offset := range offsets {
		r := reader{name: name, next: starts[name]}
		deliveries, err := r.consume(conn, stream.Name, offset)
		if err != nil {
			return "", err
		}
		go func() { ended <- r.read(deliveries, caughtUp) }()
	}
	for range offsets {
		name, err := support.Next(caughtUp, "a reader that has all there is")
		if err != nil {
			select {
			case reason := <-ended:
				err = reason
			default:
			}
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	// all of them wait at the end now
	if err := publish(ch, stream.Name, events, 2*events); err != nil {
		return "", err
	}
	for range offsets {
		err, timeout := support.Next(ended, "the end of a reader")
		if timeout != nil {
			return "", timeout
		}
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d events, read by %d", 2*events, len(offsets)), nil
}

// publish returns when the broker has all of the events.
func publish(ch *amqp.Channel, stream string, from, to int) error {
	ctx, cancel := context.WithTimeout(context.Background(), support.Patience)
	defer cancel()
	var last *amqp.DeferredConfirmation
	for number := from; number < to; number++ {
		confirmation, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", stream, false, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(strconv.Itoa(number))})
		if err != nil {
			return err
		}
		if last != nil {
			if acked, err := last.WaitContext(ctx); err != nil || !acked {
				return fmt.Errorf("an event is not confirmed: %w", err)
			}
		}
		if number%50 == 49 {
			last = confirmation
		}
	}
	_, err := last.WaitContext(ctx)
	return err
}

// reader knows what comes next.
type reader struct {
	name string
	next int64
}

func (r *reader) consume(conn *amqp.Connection, stream string, offset any) (<-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	if err := ch.Qos(prefetch, 0, false); err != nil {
		return nil, err
	}
	return ch.Consume(stream, r.name, false, false, false, false, amqp.Table{"x-stream-offset": offset})
}

// read takes one event after the other, up to the last one, and acks some of them at a time.
func (r *reader) read(deliveries <-chan amqp.Delivery, caughtUp chan<- string) error {
	for r.next < 2*events {
		if r.next == events {
			caughtUp <- r.name
		}
		delivery, err := support.Next(deliveries, fmt.Sprintf("event %d for %s", r.next, r.name))
		if err != nil {
			return err
		}
		if err := support.Equal(r.name+": offset", delivery.Headers["x-stream-offset"], any(r.next)); err != nil {
			return err
		}
		if err := support.Equal(r.name+": body", string(delivery.Body), strconv.FormatInt(r.next, 10)); err != nil {
			return err
		}
		r.next++
		if r.next%10 == 0 {
			if err := delivery.Ack(true); err != nil {
				return err
			}
		}
	}
	return nil
}
