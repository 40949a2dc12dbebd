// An event bus: one topic exchange, and for each subscriber a queue of its own that goes with it.
package main

import (
	"context"
	"fmt"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

// subscribers and what each of them wants to hear.
var subscribers = map[string][]string{
	"audit":    {"#"},
	"billing":  {"order.*.paid", "order.*.refunded"},
	"shipping": {"order.eu.#"},
	"overlaps": {"order.#", "*.eu.*", "order.eu.paid"},
	"nothing":  {"order"},
}

var events = []string{
	"order.eu.created", "order.eu.paid", "order.us.created", "order.us.paid", "order.us.refunded",
	"user.eu.created", "user.created", "order.eu.item.added",
}

// heard says who must hear what, in the order in which it is published.
var heard = map[string][]string{
	"audit":    events,
	"billing":  {"order.eu.paid", "order.us.paid", "order.us.refunded"},
	"shipping": {"order.eu.created", "order.eu.paid", "order.eu.item.added"},
	"overlaps": {
		"order.eu.created", "order.eu.paid", "order.us.created", "order.us.paid",
		"order.us.refunded", "user.eu.created", "order.eu.item.added",
	},
	"nothing": nil,
}

func main() { support.Main(run) }

func run() (string, error) {
	conn, ch, err := support.Connect()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	exchange := support.Unique("events")
	if err := ch.ExchangeDeclare(exchange, amqp.ExchangeTopic, false, true, false, false, nil); err != nil {
		return "", err
	}
	listening, err := amqp.Dial(support.URL())
	if err != nil {
		return "", err
	}
	defer listening.Close()
	var queue string
	inboxes := make(map[string]<-chan amqp.Delivery)
	for name, patterns := range subscribers {
		queue, inboxes[name], err = subscribe(listening, exchange, patterns)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}

	for _, event := range append(events, "end") {
		message := amqp.Publishing{ContentType: "text/plain", Body: []byte(event)}
		if event == "end" {
			message.Headers = amqp.Table{"CC": names(inboxes)}
		}
		if err := ch.PublishWithContext(context.Background(), exchange, event, false, false, message); err != nil {
			return "", err
		}
	}
	for name, inbox := range inboxes {
		got, err := listen(inbox)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if err := support.Equal(name, got, heard[name]); err != nil {
			return "", err
		}
	}
	if err := queuesAreTheirs(conn, listening, queue); err != nil {
		return "", err
	}
	// nobody listens any more, and so the exchange is gone with its last binding
	err = exists(conn, func(ch *amqp.Channel) error {
		return ch.ExchangeDeclarePassive(exchange, amqp.ExchangeTopic, false, true, false, false, nil)
	})
	if err := support.HasCode("the exchange", err, amqp.NotFound); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d events, %d subscribers, each heard its own", len(events), len(subscribers)), nil
}

// names are the routing keys by which each subscriber is told that all is said.
func names(inboxes map[string]<-chan amqp.Delivery) []any {
	var keys []any
	for name := range inboxes {
		keys = append(keys, "end."+name)
	}
	return keys
}

// subscribe consumes from a queue that the broker names and that nobody else may use.
func subscribe(conn *amqp.Connection, exchange string, patterns []string) (string, <-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return "", nil, err
	}
	queue, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return "", nil, err
	}
	for _, pattern := range append(patterns, "end.*") {
		if err := ch.QueueBind(queue.Name, pattern, exchange, false, nil); err != nil {
			return "", nil, err
		}
	}
	deliveries, err := ch.Consume(queue.Name, "", true, true, false, false, nil)
	return queue.Name, deliveries, err
}

// listen collects the routing keys of all events up to the last one.
func listen(inbox <-chan amqp.Delivery) ([]string, error) {
	var keys []string
	for {
		delivery, err := support.Next(inbox, "the next event")
		if err != nil {
			return nil, err
		}
		if string(delivery.Body) == "end" {
			return keys, nil
		}
		if string(delivery.Body) != delivery.RoutingKey {
			return nil, fmt.Errorf("%s came as %s", delivery.Body, delivery.RoutingKey)
		}
		keys = append(keys, delivery.RoutingKey)
	}
}

// queuesAreTheirs looks at a subscriber's queue from another connection, before and after it is gone.
func queuesAreTheirs(conn, listening *amqp.Connection, queue string) error {
	look := func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclarePassive(queue, false, true, true, false, nil)
		return err
	}
	if err := support.HasCode("somebody else's queue", exists(conn, look), amqp.ResourceLocked); err != nil {
		return err
	}
	if err := listening.Close(); err != nil {
		return err
	}
	return support.HasCode("a queue whose owner is gone", exists(conn, look), amqp.NotFound)
}

// exists asks on a channel of its own, since a "no" closes it.
func exists(conn *amqp.Connection, ask func(*amqp.Channel) error) error {
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	defer ch.Close()
	return ask(ch)
}
