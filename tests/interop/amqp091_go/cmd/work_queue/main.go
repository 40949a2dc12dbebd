// A work queue: jobs are published with confirms and handed to a pool of workers, which fail now and
// then and try again.
package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	jobs     = 400
	workers  = 4
	prefetch = 8
)

func main() { support.Main(run) }

func run() (string, error) {
	conn, ch, err := support.Connect()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	closed := conn.NotifyClose(make(chan *amqp.Error, 1))

	queue, err := ch.QueueDeclare(support.Unique("jobs"), true, false, false, false, nil)
	if err != nil {
		return "", err
	}
	defer ch.QueueDelete(queue.Name, false, false, false)

	ctx, cancel := context.WithTimeout(context.Background(), support.Patience)
	defer cancel()
	done := make(chan result)
	var pool sync.WaitGroup
	for i := 0; i < workers; i++ {
		deliveries, err := subscribe(ctx, conn, queue.Name)
		if err != nil {
			return "", err
		}
		pool.Add(1)
		go func() {
			defer pool.Done()
			work(deliveries, done)
		}()
	}

	published := make(chan error, 1)
	go func() { published <- publish(ctx, ch, queue.Name) }()
	times, failures, err := collect(ctx, done)
	if err != nil {
		return "", err
	}
	if err := <-published; err != nil {
		return "", err
	}
	for job := 0; job < jobs; job++ {
		if times[job] != 1 {
			return "", fmt.Errorf("job %d was done %d times", job, times[job])
		}
	}
	if err := support.Equal("failures", failures, jobs/10); err != nil {
		return "", err
	}

	cancel() // which ends the subscriptions, and so the workers
	pool.Wait()
	queue, err = ch.QueueDeclarePassive(queue.Name, true, false, false, false, nil)
	if err != nil {
		return "", err
	}
	if err := support.Equal("messages left", queue.Messages, 0); err != nil {
		return "", err
	}
	if err := conn.Close(); err != nil {
		return "", err
	}
	if reason := <-closed; reason != nil {
		return "", fmt.Errorf("closed by the broker: %w", reason)
	}
	if blocking, ok := <-blocked; ok {
		return "", fmt.Errorf("blocked: %s", blocking.Reason)
	}
	return fmt.Sprintf("%d jobs done once each, %d of them at the second try", jobs, failures), nil
}

// result is what became of a delivery.
type result struct {
	job    int
	failed bool
	err    error
}

// subscribe consumes on a channel of its own until the context is done.
func subscribe(ctx context.Context, conn *amqp.Connection, queue string) (<-chan amqp.Delivery, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	if err := ch.Qos(prefetch, 0, false); err != nil {
		return nil, err
	}
	return ch.ConsumeWithContext(ctx, queue, "", false, false, false, false, nil)
}

// work does what is delivered. Each tenth job fails at its first try.
func work(deliveries <-chan amqp.Delivery, done chan<- result) {
	for delivery := range deliveries {
		job, err := strconv.Atoi(string(delivery.Body))
		failed := job%10 == 0 && !delivery.Redelivered
		switch {
		case err != nil: // nothing more to do
		case failed:
			err = delivery.Nack(false, true)
		default:
			err = delivery.Ack(false)
		}
		done <- result{job, failed, err}
	}
}

// collect waits until all jobs are done. It tells how often each was, and how many tries failed.
func collect(ctx context.Context, done <-chan result) (times map[int]int, failures int, err error) {
	times = make(map[int]int)
	for len(times) < jobs {
		select {
		case r := <-done:
			if r.err != nil {
				return nil, 0, r.err
			}
			if r.failed {
				failures++
			} else {
				times[r.job]++
			}
		case <-ctx.Done():
			return nil, 0, fmt.Errorf("%d of %d jobs were done: %w", len(times), jobs, ctx.Err())
		}
	}
	return times, failures, nil
}

// publish sends all jobs and then waits for their confirmations; and one nobody can take, which
// comes back and is confirmed as well.
func publish(ctx context.Context, ch *amqp.Channel, queue string) error {
	returns := ch.NotifyReturn(make(chan amqp.Return, 1))
	if err := ch.Confirm(false); err != nil {
		return err
	}
	var confirmations []*amqp.DeferredConfirmation
	send := func(key, body string) error {
		confirmation, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", key, true, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, ContentType: "text/plain", Body: []byte(body)})
		confirmations = append(confirmations, confirmation)
		return err
	}
	for job := 0; job < jobs; job++ {
		if err := send(queue, strconv.Itoa(job)); err != nil {
			return err
		}
	}
	if err := send(support.Unique("nobody"), "lost"); err != nil {
		return err
	}
	for i, confirmation := range confirmations {
		if confirmation.DeliveryTag != uint64(i+1) {
			return fmt.Errorf("publish %d has the tag %d", i+1, confirmation.DeliveryTag)
		}
		acked, err := confirmation.WaitContext(ctx)
		if err != nil {
			return err
		}
		if !acked {
			return fmt.Errorf("publish %d was refused", i+1)
		}
	}
	// the return came before the confirmation did
	returned, err := support.Next(returns, "the return")
	if err != nil {
		return err
	}
	if err := support.Equal("reply code", returned.ReplyCode, uint16(amqp.NoRoute)); err != nil {
		return err
	}
	if err := support.Equal("reply text", returned.ReplyText, "NO_ROUTE"); err != nil {
		return err
	}
	return support.Equal("body", string(returned.Body), "lost")
}
