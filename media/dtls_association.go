package media

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
)

const (
	// handshakeTime is how long a handshake may take before the agent is told.
	handshakeTime = 20 * time.Second
	// flightTime is the first wait before a flight is sent again; a second of RFC 6347 would be a second of silence.
	flightTime = 250 * time.Millisecond
	exporter   = "EXTRACTOR-dtls_srtp" // RFC 5764 §4.2
)

var (
	errFingerprint = errors.New("the certificate is not the one that signalling vouched for")
	errProfile     = errors.New("no SRTP suite in common")
)

// handshake is one DTLS association over a pipe.
type handshake struct {
	certificate *Certificate
	params      DTLS
	mismatch    atomic.Bool
}

// run does the handshake and returns both keys. The connection stays open, because a last flight that was lost must be
// sent again whenever the far end asks; the caller closes it.
func (h *handshake) run(ctx context.Context, p *pipe) (conn *dtls.Conn, send, recv SRTPKey, err error) {
	var profiles []dtls.SRTPProtectionProfile
	for _, s := range suiteList() {
		if s.dtls {
			profiles = append(profiles, dtls.SRTPProtectionProfile(s.profile))
		}
	}
	shared := []dtls.Option{
		dtls.WithCertificates(h.certificate.tls),
		// Without this, none is sent to a server that names authorities: nobody signed ours. Its fingerprint is what counts (RFC 5763 §5).
		dtls.WithGetClientCertificate(func(*dtls.CertificateRequestInfo) (*tls.Certificate, error) { return &h.certificate.tls, nil }),
		dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithFlightInterval(flightTime),
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // no authority signs these; the fingerprint is the proof
		dtls.WithVerifyPeerCertificate(h.verify),
		dtls.WithLoggerFactory(silentLog{}),
	}
	if h.params.Client {
		var options []dtls.ClientOption
		for _, o := range shared {
			options = append(options, o)
		}
		conn, err = dtls.ClientWithOptions(p, p.remote, options...)
	} else {
		options := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
		for _, o := range shared {
			options = append(options, o)
		}
		conn, err = dtls.ServerWithOptions(p, p.remote, options...)
	}
	if err != nil {
		return nil, send, recv, err
	}
	if err = conn.HandshakeContext(ctx); err == nil {
		send, recv, err = h.keys(conn)
	}
	if err != nil {
		conn.Close()
		if h.mismatch.Load() {
			err = errFingerprint
		}
		return nil, send, recv, err
	}
	return conn, send, recv, nil
}

func (h *handshake) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) > 0 && fingerprintFits(h.params.Fingerprints, raw[0]) {
		return nil
	}
	h.mismatch.Store(true)
	return errFingerprint
}

// keys exports both directions' keys (RFC 5764 §4.2): client's key, server's key, client's salt, server's salt.
func (h *handshake) keys(conn *dtls.Conn) (send, recv SRTPKey, err error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	i := slices.IndexFunc(suiteList(), func(s suite) bool { return uint16(s.profile) == uint16(profile) })
	if !ok || i < 0 {
		return send, recv, errProfile
	}
	su := suiteList()[i]
	state, ok := conn.ConnectionState()
	if !ok {
		return send, recv, errors.New("the handshake left no state")
	}
	all, err := state.ExportKeyingMaterial(exporter, nil, 2*(su.key+su.salt))
	if err != nil {
		return send, recv, err
	}
	k, salts := all[:2*su.key], all[2*su.key:]
	client := SRTPKey{Suite: su.name, KeySalt: slices.Concat(k[:su.key], salts[:su.salt])}
	server := SRTPKey{Suite: su.name, KeySalt: slices.Concat(k[su.key:], salts[su.salt:])}
	if mki, _ := conn.RemoteSRTPMasterKeyIdentifier(); len(mki) > 0 { // RFC 5764 §4.1.3: both sides use it
		client.MKI, server.MKI = mki, mki
	}
	if h.params.Client {
		return client, server, nil
	}
	return server, client, nil
}

// association is what a session's handshakes lead to: one for RTP, and one for RTCP where that has its own port.
type association struct {
	s      *Session
	params DTLS
	pipes  [2]*pipe // RTCP's is nil with rtcp-mux
	peers  [2]atomic.Pointer[netip.AddrPort]
	stands [2]atomic.Bool // its keys are in force
	later  [2]renewal
	open   [2]chan struct{}
	once   [2]sync.Once
	ctx    context.Context
	stop   context.CancelFunc
}

// sameHandshake tells whether a Configure goes on with the association that there is.
func (a *association) same(d *DTLS) bool {
	return a != nil && d != nil && !d.Restart && slices.Equal(a.params.Fingerprints, d.Fingerprints)
}

func (s *Session) newAssociation(d DTLS, mux bool) *association {
	a := &association{s: s, params: d}
	a.ctx, a.stop = context.WithCancel(s.ctx)
	parts := 2
	if mux {
		parts = 1
	}
	for i := range parts {
		a.open[i] = make(chan struct{})
		a.pipes[i] = newPipe(s.socketAddr(i), &net.UDPAddr{IP: net.IPv4zero, Port: 9}, func(b []byte) { a.write(i, b) })
	}
	return a
}

// begin lets the handshake on one socket speak: there is an address to speak to.
func (a *association) begin(part int) {
	if a.open[part] != nil {
		a.once[part].Do(func() { close(a.open[part]) })
	}
}

// start runs the handshakes, once a is part of the session's configuration. The time that they may take runs too.
func (a *association) start() {
	for i, p := range a.pipes {
		if p != nil {
			a.s.done.Go(func() { a.run(a.ctx, i) })
		}
	}
}

// write sends a packet of a handshake to where the far end's came from, else to where it is said to be.
func (a *association) write(part int, b []byte) {
	c := a.s.config.Load()
	if c == nil || c.assoc != a {
		return
	}
	to, ok := a.s.destinationOf(c, part)
	if p := a.peers[part].Load(); p != nil {
		to, ok = *p, true
	}
	if ok {
		_, _ = a.s.socket(part).WriteToUDPAddrPort(b, to)
	}
}

// run does one handshake, and keeps its connection until the association ends.
func (a *association) run(ctx context.Context, part int) {
	defer a.pipes[part].Close()
	limited, cancel := context.WithTimeout(ctx, handshakeTime)
	select {
	case <-a.open[part]:
	case <-limited.Done():
	}
	h := handshake{certificate: a.s.cfg.Certificate, params: a.params}
	conn, send, recv, err := h.run(limited, a.pipes[part])
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			a.failed(part, err)
		}
		return
	}
	if err := a.publish(part, send, recv); err != nil {
		a.failed(part, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	// What a far end says inside the tunnel is nothing to us, but reading is what answers its requests to repeat.
	var b [512]byte
	for errs := 0; errs < 100; {
		if _, err := conn.Read(b[:]); err != nil {
			errs++
		}
	}
	<-ctx.Done()
}

// publish puts the keys into force.
func (a *association) publish(part int, send, recv SRTPKey) error {
	out, err := newOutbound(send)
	if err != nil {
		return err
	}
	in, err := newInbound(recv)
	if err != nil {
		return err
	}
	for {
		c := a.s.config.Load()
		if c == nil || c.assoc != a {
			return nil
		}
		next := *c
		if part == 0 {
			if c.in != nil { // after a restart, until now, the last association's keys were in force
				next.before, next.beforeUntil = c.in, a.s.clock()+keep
			}
			next.out, next.in = out, in
			if next.Mux {
				next.rtcpOut, next.rtcpIn = out, in
			}
		} else if !next.Mux {
			next.rtcpOut, next.rtcpIn = out, in
		}
		if a.s.config.CompareAndSwap(c, &next) {
			break
		}
	}
	a.stands[part].Store(true)
	if part == 0 {
		if p := a.peers[0].Load(); p != nil {
			a.s.latchTo(*p)
		}
		a.s.tell(SecureState{Kind: DTLSSRTP, Suite: out.suite.name, OK: true})
	}
	return nil
}

// failed takes the keys away: after a failed handshake no sound flows either way.
func (a *association) failed(part int, err error) {
	if part == 1 {
		a.s.log.Warn("the handshake for RTCP failed; there will be no quality reports", "error", err)
		return
	}
	for {
		c := a.s.config.Load()
		if c == nil || c.assoc != a {
			return
		}
		next := *c
		next.guard = guard{}
		if a.s.config.CompareAndSwap(c, &next) {
			break
		}
	}
	a.s.log.Warn("the handshake for encrypted sound failed", "error", err)
	a.s.tell(SecureState{Kind: DTLSSRTP, Detail: handshakeProblem(err)})
}

// handshakeProblem is a failed handshake in one line.
func handshakeProblem(err error) string {
	switch {
	case errors.Is(err, errFingerprint):
		return "The far end's certificate is not the one its signalling named: somebody may be listening in. There is no sound. Hang up and call back."
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("The far end did not finish the handshake for encrypted sound in %d seconds. There is no sound. Hang up and call back.", handshakeTime/time.Second)
	case errors.Is(err, errProfile):
		return "The far end shares no way of encrypting sound with us. There is no sound. Tell your administrator."
	}
	return "The handshake for encrypted sound failed. There is no sound. Hang up and call back."
}

// silentLog keeps the library from writing to the terminal.
type silentLog struct{}

func (silentLog) NewLogger(scope string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope(scope, logging.LogLevelDisabled, io.Discard)
}
