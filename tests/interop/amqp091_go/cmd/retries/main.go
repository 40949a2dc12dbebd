// Retries with a pause: a job that fails is dead-lettered to a queue where nobody consumes, and comes
// back from there when its time to live is over. What fails too often is parked.
package main

import (
	"context"
	"fmt"
	"time"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	pause    = 100 * time.Millisecond
	attempts = 3
)

// failures says how often each job fails.
var failures = map[string]int{"fine": 0, "shaky": 2, "poison": 1000}

func main() { support.Main(run) }

// topology is three queues and an exchange; jobs come in, and come back, by the routing key "job".
type topology struct{ exchange, work, retry, parked string }

func declare(ch *amqp.Channel) (topology, error) {
	t := topology{support.Unique("jobs"), support.Unique("work"), support.Unique("retry"), support.Unique("parked")}
	if err := ch.ExchangeDeclare(t.exchange, amqp.ExchangeDirect, true, false, false, false, nil); err != nil {
		return t, err
	}
	queues := []struct {
		name, key string
		args      amqp.Table
	}{
		{t.work, "job", amqp.Table{"x-dead-letter-exchange": t.exchange, "x-dead-letter-routing-key": "failed"}},
		{t.retry, "failed", amqp.Table{
			"x-message-ttl":             pause.Milliseconds(),
			"x-dead-letter-exchange":    t.exchange,
			"x-dead-letter-routing-key": "job",
		}},
		{t.parked, "poison", nil},
	}
	for _, queue := range queues {
		if _, err := ch.QueueDeclare(queue.name, true, false, false, false, queue.args); err != nil {
			return t, err
		}
		if err := ch.QueueBind(queue.name, queue.key, t.exchange, false, nil); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t topology) delete(ch *amqp.Channel) error {
	for _, queue := range []string{t.work, t.retry, t.parked} {
		if _, err := ch.QueueDelete(queue, false, false, false); err != nil {
			return err
		}
	}
	return ch.ExchangeDelete(t.exchange, false, false)
}

func run() (string, error) {
	conn, ch, err := support.Connect()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	t, err := declare(ch)
	if err != nil {
		return "", err
	}
	deliveries, err := ch.Consume(t.work, "worker", false, false, false, false, nil)
	if err != nil {
		return "", err
	}
	started := time.Now()
	for job := range failures {
		err := ch.PublishWithContext(context.Background(), t.exchange, "job", false, false,
			amqp.Publishing{DeliveryMode: amqp.Persistent, MessageId: job, Headers: amqp.Table{"kind": job}})
		if err != nil {
			return "", err
		}
	}

	tries := make(map[string]int)
	for done := 0; done < len(failures); {
		delivery, err := support.Next(deliveries, fmt.Sprintf("a delivery after %v", tries))
		if err != nil {
			return "", err
		}
		job := delivery.MessageId
		failed, err := rejections(delivery, t)
		if err != nil {
			return "", err
		}
		// what the headers say is what this worker remembers
		if err := support.Equal(job+": rejections", failed, int64(tries[job])); err != nil {
			return "", err
		}
		tries[job]++
		switch {
		case tries[job] > failures[job]:
			done++
			err = delivery.Ack(false)
		case tries[job] < attempts:
			err = delivery.Reject(false)
		default:
			done++
			err = park(ch, t, delivery)
		}
		if err != nil {
			return "", err
		}
	}

	if err := support.Equal("tries", tries, map[string]int{"fine": 1, "shaky": 3, "poison": 3}); err != nil {
		return "", err
	}
	if took := time.Since(started); took < (attempts-1)*pause {
		return "", fmt.Errorf("all was done in %v, without the pauses", took)
	}
	parked, ok, err := ch.Get(t.parked, true)
	if err != nil {
		return "", err
	}
	if !ok || parked.MessageId != "poison" || parked.Headers["kind"] != "poison" {
		return "", fmt.Errorf("not parked, or not as it was: %v", parked)
	}
	return fmt.Sprintf("%v tries, in pauses of %v; one job is parked", tries, pause), t.delete(ch)
}

// rejections reads how often the work queue gave this job up, and checks the rest of its history.
func rejections(delivery amqp.Delivery, t topology) (int64, error) {
	deaths, ok := delivery.Headers["x-death"].([]any)
	if !ok {
		return 0, nil // its first try
	}
	counts := make(map[string]int64)
	for _, each := range deaths {
		death, ok := each.(amqp.Table)
		if !ok {
			return 0, fmt.Errorf("%T in x-death", each)
		}
		queue, _ := death["queue"].(string)
		reason, _ := death["reason"].(string)
		count, _ := death["count"].(int64)
		if _, ok := death["time"].(time.Time); !ok {
			return 0, fmt.Errorf("no time in %v", death)
		}
		if err := support.Equal("exchange", death["exchange"], any(t.exchange)); err != nil {
			return 0, err
		}
		counts[queue+" "+reason] = count
	}
	rejected, expired := counts[t.work+" rejected"], counts[t.retry+" expired"]
	if len(counts) != 2 || rejected != expired {
		return 0, fmt.Errorf("x-death: %v", counts)
	}
	if err := support.Equal("first", []any{
		delivery.Headers["x-first-death-queue"], delivery.Headers["x-first-death-reason"],
	}, []any{t.work, "rejected"}); err != nil {
		return 0, err
	}
	return rejected, nil
}

// park gives the job to people, in one transaction with its ack.
func park(ch *amqp.Channel, t topology, delivery amqp.Delivery) error {
	if err := ch.Tx(); err != nil {
		return err
	}
	if err := ch.PublishWithContext(context.Background(), t.exchange, "poison", true, false, amqp.Publishing{
		DeliveryMode: delivery.DeliveryMode,
		MessageId:    delivery.MessageId,
		Headers:      delivery.Headers,
	}); err != nil {
		return err
	}
	if err := delivery.Ack(false); err != nil {
		return err
	}
	return ch.TxCommit()
}
