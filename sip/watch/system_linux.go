package watch

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// systemClock reads CLOCK_MONOTONIC, which stops while the machine sleeps, and CLOCK_BOOTTIME, which does not.
func systemClock() func() Reading {
	return func() Reading {
		r := Reading{Wall: time.Now().Round(0), Boot: -1}
		var run, boot unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &run) == nil && unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) == nil {
			r.Run, r.Boot = time.Duration(run.Nano()), time.Duration(boot.Nano())
		}
		return r
	}
}

// systemHints listens to what the kernel says of links, addresses and routes (rtnetlink(7)). The messages are not read: that
// there was one is enough, and the network itself is looked at afterwards. nil where the kernel does not allow it.
func systemHints(ctx context.Context, own func(func())) <-chan struct{} {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil
	}
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE)
	if unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}) != nil {
		unix.Close(fd)
		return nil
	}
	// The runtime's poller waits for it, so that closing it ends the wait.
	file := os.NewFile(uintptr(fd), "netlink")
	close := sync.OnceFunc(func() { file.Close() })
	stop := context.AfterFunc(ctx, close)
	hints := make(chan struct{}, 1)
	own(func() {
		defer stop()
		defer close()
		buffer := make([]byte, 64<<10)
		for failures := 0; failures < 8; {
			// ENOBUFS says that messages were lost, which is a message too.
			if _, err := file.Read(buffer); err != nil {
				if ctx.Err() != nil {
					return
				}
				failures++
			} else {
				failures = 0
			}
			select {
			case hints <- struct{}{}:
			default:
			}
		}
	})
	return hints
}

// ways are the default routes of IPv4: interface and gateway.
func ways() (out []string) {
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return nil
	}
	return defaultRoutes(string(table))
}

// defaultRoutes reads the kernel's table: Iface Destination Gateway Flags RefCnt Use Metric Mask …
func defaultRoutes(table string) (out []string) {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) >= 8 && f[1] == "00000000" && f[7] == "00000000" {
			out = append(out, "default "+f[0]+" "+f[2]+" "+f[6])
		}
	}
	return out
}
