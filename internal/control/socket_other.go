//go:build !unix

package control

import (
	"context"
	"net"
)

// listen is missing here: what guards the socket, the modes of folder and file, does not guard it on this system.
func listen(string) (net.Listener, error) { return nil, ErrUnsupported }

func connect(context.Context, string) (net.Conn, error) { return nil, ErrUnsupported }
