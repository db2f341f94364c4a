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
	before := time.Now().Add(-time.Millisecond) // the kernel's clock is read coarsely
	if _, err := rtcp.WriteToUDPAddrPort([]byte{1}, rtp.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
		t.Fatal(err)
	}
	buf, oob := make([]byte, 10), make([]byte, 128)
	_, n, _, from, err := rtp.ReadMsgUDPAddrPort(buf, oob)
	if err != nil {
		t.Fatal(err)
	}
	if netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != local(rtcp) {
		t.Errorf("from %v, want %v", from, local(rtcp))
	}
	if ago := sinceReceived(oob[:n]); ago <= 0 || ago > time.Since(before) {
		t.Errorf("received %v ago, but sent after %v", ago, before)
	}
	for cut := range n {
		sinceReceived(oob[:cut]) // whatever the kernel leaves out, nothing breaks
	}
	if sinceReceived(nil) != 0 {
		t.Error("no message, and still a time")
	}
}
