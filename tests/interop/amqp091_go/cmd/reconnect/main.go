// A consumer that comes back by itself: to a new channel when the broker closed its channel, to a new
// connection when it closed that.
package main

import (
	"context"
	"errors"
	"fmt"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	breakChannel    = "break the channel"
	breakConnection = "break the connection"
)

func main() { support.Main(run) }

func run() (string, error) {
	conn, ch, err := support.Connect()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	queue, err := ch.QueueDeclare(support.Unique("tasks"), true, false, false, false, nil)
	if err != nil {
		return "", err
	}
	defer ch.QueueDelete(queue.Name, false, false, false)
	tasks := []string{"one", breakChannel, "two", breakConnection, "three", breakConnection, "four"}
	for _, task := range tasks {
		if err := ch.PublishWithContext(context.Background(), "", queue.Name, false, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(task)}); err != nil {
			return "", err
		}
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := consumer{queue: queue.Name, handled: make(chan string), lost: make(chan *amqp.Error, len(tasks))}
	failed := make(chan error, 1)
	go func() { failed <- c.consume(ctx) }()
	for _, task := range tasks { // each comes back to its place when it was not acked
		select {
		case err := <-failed:
			return "", fmt.Errorf("before %s: %w", task, err)
		default:
		}
		handled, err := support.Next(c.handled, task)
		if err != nil {
			return "", err
		}
		if err := support.Equal("task", handled, task); err != nil {
			return "", err
		}
	}
	for _, code := range []int{amqp.PreconditionFailed, amqp.NotImplemented, amqp.NotImplemented} {
		reason, err := support.Next(c.lost, "the reason")
		if err != nil {
			return "", err
		}
		if err := support.HasCode("closed", reason, code); err != nil {
			return "", err
		}
		if !reason.Server {
			return "", fmt.Errorf("%v is not the broker's word", reason)
		}
	}
	cancel()
	if err := <-failed; err != nil {
		return "", err
	}
	return fmt.Sprintf("%d tasks handled in order on %d connections and %d channels",
			len(tasks), c.connections, c.channels), support.Equal("connections and channels",
			[]int{c.connections, c.channels}, []int{3, 4})
}

type consumer struct {
	queue                 string
	handled               chan string
	lost                  chan *amqp.Error
	connections, channels int
}

// consume connects until the context is done.
func (c *consumer) consume(ctx context.Context) error {
	for ctx.Err() == nil {
		conn, err := amqp.Dial(support.URL())
		if err != nil {
			return err
		}
		c.connections++
		err = c.useConnection(ctx, conn)
		conn.Close()
		if err != nil && !isReason(err) {
			return err
		}
	}
	return nil
}

// useConnection opens channels until the connection is lost, which it returns, or the context is done.
func (c *consumer) useConnection(ctx context.Context, conn *amqp.Connection) error {
	lost := conn.NotifyClose(make(chan *amqp.Error, 1))
	for ctx.Err() == nil {
		ch, err := conn.Channel()
		if err != nil {
			return err
		}
		c.channels++
		err = c.useChannel(ctx, ch)
		if err != nil && !isReason(err) {
			return err
		}
		if conn.IsClosed() {
			return <-lost
		}
	}
	return nil
}

// useChannel handles deliveries until the channel is lost, which it returns, or the context is done.
func (c *consumer) useChannel(ctx context.Context, ch *amqp.Channel) error {
	lost := ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Qos(1, 0, false); err != nil {
		return err
	}
	deliveries, err := ch.ConsumeWithContext(ctx, c.queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	for delivery := range deliveries {
		if err := c.handle(ch, delivery); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	reason := <-lost
	c.lost <- reason
	return reason
}

// handle does a task. At its first try, one that breaks something does, and is not acked.
func (c *consumer) handle(ch *amqp.Channel, delivery amqp.Delivery) error {
	task := string(delivery.Body)
	switch {
	case delivery.Redelivered || task != breakChannel && task != breakConnection:
		if err := delivery.Ack(false); err != nil {
			return err
		}
		c.handled <- task
		return nil
	case task == breakChannel:
		return ch.Ack(delivery.DeliveryTag+1, false) // that was never delivered
	default:
		return ch.PublishWithContext(context.Background(), "", c.queue, false, true, amqp.Publishing{})
	}
}

// isReason tells whether it is the broker's reason for closing something.
func isReason(err error) bool {
	var reason *amqp.Error
	return errors.As(err, &reason)
}
