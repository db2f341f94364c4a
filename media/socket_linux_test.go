package media

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSocketsAskForPriorityAndTheKernelsReceiveTime(t *testing.T) {
	rtp, rtcp, err := listenPair(loopback(0).Addr(), 0, 0, trafficClass(0))
	if err != nil {
		t.Fatal(err)
	}
	defer rtp.Close()
	defer rtcp.Close()
	raw, err := rtp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if tos, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TOS); err != nil || tos != 0xb8 {
			t.Errorf("type of service %#x, error %v; want 0xb8", tos, err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	buf, oob, n := make([]byte, 10), make([]byte, 128), 0
	for try := 1; ; try++ {
		before := time.Now().Add(-time.Millisecond) // the kernel's clock is read coarsely
		if _, err := rtcp.WriteToUDPAddrPort([]byte{1}, rtp.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
			t.Fatal(err)
		}
		var from netip.AddrPort
		if _, n, _, from, err = rtp.ReadMsgUDPAddrPort(buf, oob); err != nil {
			t.Fatal(err)
		}
		if netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != local(rtcp) {
			t.Errorf("from %v, want %v", from, local(rtcp))
		}
		ago := sinceReceived(oob[:n])
		if ago > 0 && ago <= time.Since(before) {
			break
		}
		if try == 20 { // a machine that stood still for a second, or set its clock, has no time to tell
			t.Fatalf("received %v ago, but sent after %v", ago, before)
		}
	}
	for cut := range n {
		sinceReceived(oob[:cut]) // whatever the kernel leaves out, nothing breaks
	}
	if sinceReceived(nil) != 0 {
		t.Error("no message, and still a time")
	}
}

func TestTheMarkOfPacketsIsTheAccountsChoiceOnBothProtocols(t *testing.T) {
	for _, tc := range []struct{ dscp, want int }{{0, 0xb8}, {NoDSCP, 0}, {34, 34 << 2}, {64, 0}} {
		for _, ip := range []netip.Addr{loopback(0).Addr(), netip.IPv6Loopback()} {
			s, err := Listen(Config{LocalIP: ip, DSCP: tc.dscp})
			if err != nil {
				if ip.Is6() {
					continue // a machine without IPv6
				}
				t.Fatal(err)
			}
			level, option := unix.IPPROTO_IP, unix.IP_TOS
			if ip.Is6() {
				level, option = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
			}
			for _, c := range []*net.UDPConn{s.rtp, s.rtcp} {
				raw, err := c.SyscallConn()
				if err != nil {
					t.Fatal(err)
				}
				if err := raw.Control(func(fd uintptr) {
					if got, err := unix.GetsockoptInt(int(fd), level, option); err != nil || got != tc.want {
						t.Errorf("DSCP %d on %v: octet %#x, error %v; want %#x", tc.dscp, ip, got, err, tc.want)
					}
				}); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
		}
	}
}
