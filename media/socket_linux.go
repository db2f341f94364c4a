package media

import (
	"encoding/binary"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// prepare asks for priority (class, the octet of the IP header) and for the kernel's time of reception. Both are best effort.
func prepare(c *net.UDPConn, class int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TOS, class)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_TCLASS, class)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
}

// sinceReceived is how long ago the kernel received the packet; a busy machine may wake us 10 ms late, which is not
// the network's jitter.
func sinceReceived(oob []byte) time.Duration {
	for len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return 0
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS {
			var at time.Time
			switch len(data) {
			case 16:
				at = time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:])))
			case 8:
				at = time.Unix(int64(binary.NativeEndian.Uint32(data)), int64(binary.NativeEndian.Uint32(data[4:])))
			default:
				return 0
			}
			if d := time.Since(at); d > 0 && d < time.Second { // else the wall clock was set meanwhile
				return d
			}
			return 0
		}
		oob = rest
	}
	return 0
}
