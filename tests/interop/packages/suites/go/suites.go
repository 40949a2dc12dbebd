// Package suites names the packages whose tests are run, so that go.mod pins what these need.
package suites

import _ "github.com/streadway/amqp"
