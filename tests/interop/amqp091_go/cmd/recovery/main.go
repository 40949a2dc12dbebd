// The library's own recovery: the broker stops and starts again, and connection, channels, what was
// declared and who consumes are there again, without a word from the program.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

func main() {
	amqp.Logger = log.New(io.Discard, "", 0)
	support.Main(run)
}

func run() (string, error) {
	conn, err := amqp.DialConfig(support.URL(), amqp.Config{Recovery: &amqp.Recovery{
		ReconnectionConfig: &amqp.ReconnectionConfig{MaxRetryCount: 2000, RetryInterval: 50 * time.Millisecond},
	}})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	states := make(chan *amqp.StateChanged, 16)
	conn.NotifyStateChange(states)

	ch, err := conn.Channel()
	if err != nil {
		return "", err
	}
	exchange, jobs := support.Unique("news"), support.Unique("jobs")
	if err := ch.ExchangeDeclare(exchange, amqp.ExchangeTopic, false, true, false, false, nil); err != nil {
		return "", err
	}
	if _, err := ch.QueueDeclare(jobs, true, false, false, false, nil); err != nil {
		return "", err
	}
	if err := ch.QueueBind(jobs, "job.*", exchange, false, nil); err != nil {
		return "", err
	}
	if err := ch.Qos(2, 0, false); err != nil {
		return "", err
	}
	working, err := ch.Consume(jobs, "worker", false, false, false, false, nil)
	if err != nil {
		return "", err
	}
	listening, err := listen(conn, exchange)
	if err != nil {
		return "", err
	}

	for _, key := range []string{"job.1", "job.2", "job.3", "news.1"} {
		if err := publish(ch, exchange, key); err != nil {
			return "", err
		}
	}
	if err := expect(listening, "news.1", false, false); err != nil {
		return "", err
	}
	if err := expect(working, "job.1", false, true); err != nil {
		return "", err
	}
	// and this one is not acked when the broker goes
	if err := expect(working, "job.2", false, false); err != nil {
		return "", err
	}
	if err := expect(working, "job.3", false, false); err != nil {
		return "", err
	}

	if err := support.RestartBroker(); err != nil {
		return "", err
	}
	if err := recovered(states); err != nil {
		return "", err
	}
	if err := publish(ch, exchange, "news.2"); err != nil {
		return "", err
	}
	if err := publish(ch, exchange, "job.4"); err != nil {
		return "", err
	}
	if err := expect(listening, "news.2", false, false); err != nil {
		return "", err
	}
	for _, key := range []string{"job.2", "job.3"} {
		if err := expect(working, key, true, true); err != nil {
			return "", err
		}
	}
	if err := expect(working, "job.4", false, true); err != nil {
		return "", err
	}
	if _, err := ch.QueueDelete(jobs, false, true, false); err != nil { // only when it is empty
		return "", err
	}
	return "consumers, bindings, a transient exchange and an exclusive queue outlived a restart", nil
}

// listen consumes the news from a queue that neither outlives this connection nor has a name of ours.
func listen(conn *amqp.Connection, exchange string) (<-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	queue, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return nil, err
	}
	if err := ch.QueueBind(queue.Name, "news.#", exchange, false, nil); err != nil {
		return nil, err
	}
	return ch.Consume(queue.Name, "listener", true, true, false, false, nil)
}

func publish(ch *amqp.Channel, exchange, key string) error {
	return ch.PublishWithContext(context.Background(), exchange, key, false, false,
		amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(key)})
}

func expect(deliveries <-chan amqp.Delivery, key string, redelivered, ack bool) error {
	delivery, err := support.Next(deliveries, key)
	if err != nil {
		return err
	}
	if string(delivery.Body) != key || delivery.Redelivered != redelivered {
		return fmt.Errorf("got %s, redelivered %v, instead of %s", delivery.Body, delivery.Redelivered, key)
	}
	if ack {
		return delivery.Ack(false)
	}
	return nil
}

// recovered waits until the connection is open again, with all that it had.
func recovered(states <-chan *amqp.StateChanged) error {
	for {
		state, err := support.Next(states, "recovery")
		if err != nil {
			return err
		}
		switch state.To {
		case amqp.StateOpen:
			return support.Equal("what could not be recovered", len(state.SkippedTopologyEntities), 0)
		case amqp.StateClosed:
			return fmt.Errorf("recovery failed: %w", state.Err)
		}
	}
}
