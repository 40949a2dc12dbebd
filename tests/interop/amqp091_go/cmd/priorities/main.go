// A queue with priorities: what is more urgent overtakes, what is equally urgent keeps its order.
package main

import (
	"context"
	"fmt"
	"sort"

	"interop/support"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	highest  = 5
	messages = 70
)

func main() { support.Main(run) }

func run() (string, error) {
	conn, ch, err := support.Connect()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	queue, err := ch.QueueDeclare(support.Unique("tickets"), false, false, true, false,
		amqp.Table{"x-max-priority": highest})
	if err != nil {
		return "", err
	}
	if err := ch.Confirm(false); err != nil {
		return "", err
	}
	for number := 0; number < messages; number++ {
		// 0 to 6, where 6 counts as the highest that there is
		if err := publish(ch, queue.Name, number, uint8(number*5%7)); err != nil {
			return "", err
		}
	}

	if err := ch.Qos(1, 0, false); err != nil {
		return "", err
	}
	deliveries, err := ch.Consume(queue.Name, "", false, false, false, false, nil)
	if err != nil {
		return "", err
	}
	want := make([]int, messages)
	for number := range want {
		want[number] = number
	}
	sort.SliceStable(want, func(i, j int) bool { return level(want[i]) > level(want[j]) })
	var got []int
	for len(got) < messages {
		delivery, err := support.Next(deliveries, fmt.Sprintf("message %d", len(got)))
		if err != nil {
			return "", err
		}
		number := int(delivery.Headers["number"].(int32))
		if err := support.Equal("priority", delivery.Priority, uint8(number*5%7)); err != nil {
			return "", err
		}
		got = append(got, number)
		if len(got) == messages/2 {
			// while all others wait behind this unacked one, something more urgent comes
			if err := publish(ch, queue.Name, messages, highest); err != nil {
				return "", err
			}
			if err := delivery.Ack(false); err != nil {
				return "", err
			}
			urgent, err := support.Next(deliveries, "what is urgent")
			if err != nil {
				return "", err
			}
			if err := support.Equal("urgent", urgent.Headers["number"], any(int32(messages))); err != nil {
				return "", err
			}
			delivery = urgent
		}
		if err := delivery.Ack(false); err != nil {
			return "", err
		}
	}
	if err := support.Equal("order", got, want); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d messages in order of priority", messages), nil
}

// level is the priority that counts.
func level(number int) int {
	if priority := number * 5 % 7; priority < highest {
		return priority
	}
	return highest
}

// publish returns when the broker has the message.
func publish(ch *amqp.Channel, queue string, number int, priority uint8) error {
	confirmation, err := ch.PublishWithDeferredConfirmWithContext(context.Background(), "", queue, false, false,
		amqp.Publishing{Priority: priority, Headers: amqp.Table{"number": int32(number)}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), support.Patience)
	defer cancel()
	_, err = confirmation.WaitContext(ctx)
	return err
}
