// Package suites names the packages whose tests are run, so that go.mod pins what these need.
package suites

import (
	_ "github.com/ThreeDotsLabs/watermill-amqp/v2/pkg/amqp"
	_ "github.com/streadway/amqp"
)
