// Package reach asks whether a SIP server can be reached at all: over UDP with one OPTIONS request (RFC 3261 §11), over TCP by
// connecting, over TLS by a handshake that checks the certificate. It is for a person who looks for a fault: it registers nobody, takes
// no call, answers no challenge, and never decides whether the telephone works.
package reach

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"offhook/sip/locate"
)

// Reply is what a server showed of itself.
type Reply struct {
	Took    time.Duration
	Status  int       // of the reply to OPTIONS, UDP only; any shows that a SIP server is there
	Expires time.Time // of the certificate, TLS only
}

// waits is how long each OPTIONS is waited for before it is sent again: UDP loses packets (RFC 3261 §17.1.2.2).
func waits() []time.Duration {
	return []time.Duration{500 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}
}

// Server asks one server. conf is for TLS; nil for the system's authorities and the server's domain as the name.
func Server(ctx context.Context, s locate.Server, conf *tls.Config) (Reply, error) {
	began := time.Now()
	switch s.Transport {
	case "TCP":
		c, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr.String())
		if err != nil {
			return Reply{}, err
		}
		return Reply{Took: time.Since(began)}, c.Close()
	case "TLS":
		if conf == nil {
			conf = &tls.Config{}
		}
		conf = conf.Clone()
		if conf.ServerName == "" {
			conf.ServerName = s.Domain
		}
		d := tls.Dialer{Config: conf}
		c, err := d.DialContext(ctx, "tcp", s.Addr.String())
		if err != nil {
			return Reply{}, err
		}
		r := Reply{Took: time.Since(began)}
		if chain := c.(*tls.Conn).ConnectionState().PeerCertificates; len(chain) > 0 {
			r.Expires = chain[0].NotAfter
		}
		return r, c.Close()
	}
	return options(ctx, s)
}

// options sends one OPTIONS over UDP and waits for any reply to it.
func options(ctx context.Context, s locate.Server) (Reply, error) {
	c, err := new(net.Dialer).DialContext(ctx, "udp", s.Addr.String())
	if err != nil {
		return Reply{}, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var random [12]byte
	_, _ = rand.Read(random[:]) // it never fails
	id := hex.EncodeToString(random[:])
	request := message(s, c.LocalAddr().String(), id)
	began := time.Now()
	buf := make([]byte, 65535)
	for _, wait := range waits() {
		if _, err := c.Write(request); err != nil {
			return Reply{}, err
		}
		_ = c.SetReadDeadline(time.Now().Add(wait))
		if ctx.Err() != nil { // looked at last: this deadline may have taken the place of the one that ends the wait
			break
		}
		for {
			n, err := c.Read(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return Reply{}, err // nobody listens on the port
			}
			if status, ours := statusOf(string(buf[:n]), id); ours {
				return Reply{Took: time.Since(began), Status: status}, nil
			}
		}
	}
	return Reply{}, errors.New("no reply")
}

func message(s locate.Server, local, id string) []byte {
	uri := "sip:" + s.Domain
	if s.Domain == "" || strings.ContainsAny(s.Domain, " \t\r\n<>;?") {
		uri = "sip:" + s.Addr.String()
	}
	return fmt.Appendf(nil, "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:anonymous@anonymous.invalid>;tag=%s\r\n"+
		"To: <%s>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContact: <sip:%s>\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n", uri, local, id, id[:8], uri, id, local)
}

// statusOf reads the status of a reply, and whether it is the reply to our request.
func statusOf(packet, id string) (int, bool) {
	line, rest, _ := strings.Cut(packet, "\r\n")
	version, status, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(status, " ")
	n, err := strconv.Atoi(code)
	return n, err == nil && version == "SIP/2.0" && n >= 100 && n <= 699 && strings.Contains(rest, id)
}
