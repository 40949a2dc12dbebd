// RPC by direct reply-to: many callers on one channel, answers in any order, and servers that are not
// there or have gone.
package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	replyTo = "amq.rabbitmq.reply-to"
	calls   = 60
	servers = 3
)

var errNoServer = errors.New("no server")

func main() { support.Main(run) }

func run() (string, error) {
	conn, ch, err := support.Connect()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	queue, err := ch.QueueDeclare(support.Unique("square"), false, false, false, false, nil)
	if err != nil {
		return "", err
	}
	serving, err := amqp.Dial(support.URL())
	if err != nil {
		return "", err
	}
	defer serving.Close()
	failures := make(chan error, servers)
	for i := 0; i < servers; i++ {
		if err := serve(serving, queue.Name, failures); err != nil {
			return "", err
		}
	}

	client, err := newClient(conn)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), support.Patience)
	defer cancel()
	answers := make(chan error, calls)
	for number := 0; number < calls; number++ {
		go func(number int) {
			answer, err := client.call(ctx, queue.Name, strconv.Itoa(number))
			if err == nil {
				err = support.Equal("answer", answer, strconv.Itoa(number*number))
			}
			answers <- err
		}(number)
	}
	for i := 0; i < calls; i++ {
		if err := <-answers; err != nil {
			return "", err
		}
	}
	if _, err := client.call(ctx, support.Unique("nobody"), "1"); !errors.Is(err, errNoServer) {
		return "", fmt.Errorf("a call to nobody: %v", err)
	}
	select {
	case err := <-failures:
		return "", err
	default:
	}
	if err := replyToNobody(serving); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d calls answered by %d servers", calls, servers), nil
}

// serve answers with the square of a number; the smaller it is, the longer that takes.
func serve(conn *amqp.Connection, queue string, failures chan<- error) error {
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := ch.Qos(5, 0, false); err != nil {
		return err
	}
	requests, err := ch.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	answer := func(request amqp.Delivery) error {
		number, err := strconv.Atoi(string(request.Body))
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(calls-number) * time.Millisecond / 4)
		err = ch.PublishWithContext(context.Background(), "", request.ReplyTo, false, false, amqp.Publishing{
			CorrelationId: request.CorrelationId,
			Body:          []byte(strconv.Itoa(number * number)),
		})
		if err != nil {
			return err
		}
		return request.Ack(false)
	}
	go func() {
		for request := range requests {
			go func(request amqp.Delivery) {
				if err := answer(request); err != nil {
					failures <- err
				}
			}(request)
		}
	}()
	return nil
}

// client waits for all answers on one channel.
type client struct {
	ch      *amqp.Channel
	mu      sync.Mutex
	last    int
	waiting map[string]chan<- answer
}

type answer struct {
	body string
	err  error
}

func newClient(conn *amqp.Connection) (*client, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	// before anything is published, and without acks
	replies, err := ch.Consume(replyTo, "", true, false, false, false, nil)
	if err != nil {
		return nil, err
	}
	c := &client{ch: ch, waiting: make(map[string]chan<- answer)}
	returns := ch.NotifyReturn(make(chan amqp.Return, 1))
	go func() {
		for replies != nil || returns != nil {
			select {
			case reply, ok := <-replies:
				if !ok {
					replies = nil
					continue
				}
				c.settle(reply.CorrelationId, answer{body: string(reply.Body)})
			case returned, ok := <-returns:
				if !ok {
					returns = nil
					continue
				}
				c.settle(returned.CorrelationId, answer{err: errNoServer})
			}
		}
	}()
	return c, nil
}

func (c *client) call(ctx context.Context, queue, request string) (string, error) {
	answered := make(chan answer, 1)
	c.mu.Lock()
	c.last++
	id := strconv.Itoa(c.last)
	c.waiting[id] = answered
	c.mu.Unlock()
	err := c.ch.PublishWithContext(ctx, "", queue, true, false, amqp.Publishing{
		ReplyTo:       replyTo,
		CorrelationId: id,
		Body:          []byte(request),
	})
	if err != nil {
		return "", err
	}
	select {
	case a := <-answered:
		return a.body, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("call %s: %w", id, ctx.Err())
	}
}

// settle ends a call; one that nobody waits for would be a bug of the broker.
func (c *client) settle(id string, a answer) {
	c.mu.Lock()
	answered, ok := c.waiting[id]
	delete(c.waiting, id)
	c.mu.Unlock()
	if !ok {
		panic("an answer to nothing: " + id)
	}
	answered <- a
}

// replyToNobody asks for what a server sees when its caller has gone: an answer that is returned, and a
// declaration that says so.
func replyToNobody(conn *amqp.Connection) error {
	gone, ch, err := support.Connect()
	if err != nil {
		return err
	}
	defer gone.Close()
	if _, err := ch.Consume(replyTo, "", true, false, false, false, nil); err != nil {
		return err
	}
	server, err := conn.Channel()
	if err != nil {
		return err
	}
	queue, err := server.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return err
	}
	requests, err := server.Consume(queue.Name, "", true, true, false, false, nil)
	if err != nil {
		return err
	}
	if err := ch.PublishWithContext(context.Background(), "", queue.Name, false, false,
		amqp.Publishing{ReplyTo: replyTo}); err != nil {
		return err
	}
	request, err := support.Next(requests, "the request")
	if err != nil {
		return err
	}
	if _, err := server.QueueDeclarePassive(request.ReplyTo, false, false, false, false, nil); err != nil {
		return fmt.Errorf("somebody who waits for an answer: %w", err)
	}
	if err := gone.Close(); err != nil {
		return err
	}
	_, err = server.QueueDeclarePassive(request.ReplyTo, false, false, false, false, nil)
	return support.HasCode("somebody who has gone", err, amqp.NotFound)
}
