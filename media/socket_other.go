//go:build !linux

package media

import (
	"net"
	"time"
)

// prepare does nothing: priority and receive times are asked for on Linux only.
func prepare(*net.UDPConn, int) {}

// sinceReceived is unknown here; the time after the read stands in.
func sinceReceived([]byte) time.Duration { return 0 }
