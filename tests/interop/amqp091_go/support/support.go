// Package support holds what the programs share: where the broker is, fresh names, waiting.
package support

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"reflect"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Patience is how long something that should come may take.
const Patience = 60 * time.Second

// Main runs a program, prints what it has to say, and exits with 1 when it failed.
func Main(run func() (string, error)) {
	log.SetFlags(0)
	summary, err := run()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary)
}

// URL is where the broker is.
func URL() string { return os.Getenv("AMQP_URL") }

// Connect dials the broker and opens a channel. Closing the connection closes both.
func Connect() (*amqp.Connection, *amqp.Channel, error) {
	conn, err := amqp.Dial(URL())
	if err != nil {
		return nil, nil, err
	}
	ch, err := conn.Channel()
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, ch, nil
}

// RestartBroker returns when the broker has been stopped and listens again.
func RestartBroker() error {
	response, err := http.Post(os.Getenv("INTEROP_CONTROL_URL")+"restart", "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("restart: %s", response.Status)
	}
	return nil
}

// Unique makes a name that no other run uses.
func Unique(name string) string {
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		panic(err)
	}
	return name + "-" + hex.EncodeToString(suffix)
}

// Next takes the next value of a channel, and fails when it is closed or nothing comes.
func Next[T any](from <-chan T, what string) (T, error) {
	select {
	case value, ok := <-from:
		if !ok {
			return value, fmt.Errorf("%s: the channel is closed", what)
		}
		return value, nil
	case <-time.After(Patience):
		var none T
		return none, fmt.Errorf("%s: nothing came", what)
	}
}

// Equal fails when the two differ.
func Equal(what string, got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// HasCode fails unless the broker refused something with this reply code.
func HasCode(what string, err error, code int) error {
	var refused *amqp.Error
	if !errors.As(err, &refused) || refused.Code != code {
		return fmt.Errorf("%s: got %v, want a refusal with %d", what, err, code)
	}
	return nil
}
