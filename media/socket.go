package media

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// listenPair binds RTP to an even port and RTCP to the next (RFC 3550 §11), in a random order, so that a port that has
// just been used by another call is not the next one taken.
func listenPair(ip netip.Addr, low, high, class int) (rtp, rtcp *net.UDPConn, err error) {
	network := "udp4"
	if ip.Is6() && !ip.Is4In6() {
		network = "udp6"
	}
	bind := func(port int) (*net.UDPConn, error) {
		return net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap(), uint16(port))))
	}
	pair := func(port int) error {
		if rtp, err = bind(port); err != nil {
			return err
		}
		port = rtp.LocalAddr().(*net.UDPAddr).Port
		if port%2 == 0 && port < 65535 {
			if rtcp, err = bind(port + 1); err == nil {
				prepare(rtp, class)
				prepare(rtcp, class)
				return nil
			}
		} else {
			err = errors.New("the kernel gave an odd port")
		}
		rtp.Close()
		return err
	}
	if low <= 0 {
		for range 100 {
			if err = pair(0); err == nil {
				return rtp, rtcp, nil
			}
		}
		return nil, nil, fmt.Errorf("%w on %v: %w", ErrNoPort, ip, err)
	}
	first := low + low&1
	count := (min(high, 65534)-first)/2 + 1
	if count < 1 {
		return nil, nil, fmt.Errorf("%w: no even port from %d to %d", ErrNoPort, low, high)
	}
	start := rand.IntN(count)
	for i := range count {
		port := first + (start+i)%count*2
		if port+1 > high {
			continue
		}
		if err = pair(port); err == nil {
			return rtp, rtcp, nil
		}
	}
	if err == nil {
		err = errors.New("the range holds no pair")
	}
	return nil, nil, fmt.Errorf("%w on %v from %d to %d: %w", ErrNoPort, ip, low, high, err)
}

// NoDSCP is the value of Config.DSCP for packets without a mark.
const NoDSCP = -1

// trafficClass is the octet of the IP header for a Config.DSCP: DSCP in the upper six bits.
func trafficClass(dscp int) int {
	const expedited = 46 // EF, telephony (RFC 4594 §4.1)
	switch {
	case dscp == 0:
		return expedited << 2
	case dscp < 0 || dscp > 63:
		return 0
	}
	return dscp << 2
}

// maxDatagram is the largest packet that is read whole; larger ones are cut, and then refused.
const maxDatagram = 2048

// receive reads one socket until Close. Errors (a far end that refuses its port gives ECONNREFUSED) never end it.
//
// The socket stays unconnected on purpose: a connected one would have the kernel drop strangers silently, and they are
// to be counted and shown; and the far end may move with a re-INVITE.
func (s *Session) receive(ctx context.Context, conn *net.UDPConn, handle func([]byte, netip.AddrPort, time.Duration)) {
	buf := make([]byte, maxDatagram)
	oob := make([]byte, 128)
	failures := 0
	for {
		n, oobn, _, from, err := conn.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			if failures++; failures > 100 { // a socket that fails at once every time must not eat a processor
				select {
				case <-ctx.Done():
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
			continue
		}
		failures = 0
		at := s.clock()
		if s.cfg.now == nil {
			at -= sinceReceived(oob[:oobn])
		}
		handle(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), at)
	}
}
