package transaction

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// TLSInfo is what is known of the far end of a TLS flow.
type TLSInfo struct {
	Version  string    // "TLS 1.3"
	Cipher   string    // "TLS_AES_128_GCM_SHA256"
	Names    []string  // whom the far end's certificate names, cleaned; nil when it showed none
	NotAfter time.Time // end of the certificate's validity
	Verified bool      // the certificate was checked; false when the tls.Config says to check nothing, and for a far end without one
}

// TLS tells of the far end of a TLS flow; false for UDP and TCP.
func (f *Flow) TLS() (TLSInfo, bool) {
	if f.secure == nil {
		return TLSInfo{}, false
	}
	return *f.secure, true
}

// DialTLS connects to remote and secures the connection, all of it within Config.DialTimeout and ctx. Whom the far end must prove to be
// is cfg's to say (Proof.Config makes one for a SIP domain), and whom we are: each flow has a cfg of its own, with its client certificates. At least
// TLS 1.2 is spoken, and no key is ever written down. Errors: *CertificateError, ErrFlowDown, ErrClosed, *FieldError.
func (l *Layer) DialTLS(ctx context.Context, remote netip.AddrPort, cfg *tls.Config) (*Flow, error) {
	if cfg == nil || cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		return nil, &FieldError{"TLS", "nobody says whom the far end must prove to be"}
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.DialTimeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", remote.String())
	if err != nil {
		return nil, fmt.Errorf("connect to %v: %w: %w", remote, ErrFlowDown, err)
	}
	return l.ServeTLS(ctx, c, cfg, addrPort(c.LocalAddr()), addrPort(c.RemoteAddr()), true)
}

// ServeTLS secures a stream connection that was made elsewhere, such as one end of a net.Pipe, as its client or its server, within
// Config.DialTimeout and ctx, and makes a flow of it. The connection is closed when that fails, or with the flow. Errors as of DialTLS.
func (l *Layer) ServeTLS(ctx context.Context, c net.Conn, cfg *tls.Config, local, remote netip.AddrPort, client bool) (*Flow, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.DialTimeout)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	own := &tls.Config{}
	if cfg != nil {
		own = cfg.Clone()
	}
	own.MinVersion = max(own.MinVersion, tls.VersionTLS12)
	own.KeyLogWriter = nil
	bare := false // the far end asked for a certificate and we had none to give
	choose, certs := own.GetClientCertificate, own.Certificates
	own.GetClientCertificate = func(ask *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		give := &tls.Certificate{}
		if choose != nil {
			var err error
			if give, err = choose(ask); err != nil || give == nil {
				return give, err
			}
		} else if i := slices.IndexFunc(certs, func(c tls.Certificate) bool { return ask.SupportsCertificate(&c) == nil }); i >= 0 {
			give = &certs[i]
		}
		bare = len(give.Certificate) == 0
		return give, nil
	}
	raw := &brief{Conn: c}
	conn, peer := tls.Server(raw, own), remote.String()
	if client {
		conn = tls.Client(raw, own)
		if own.ServerName != "" {
			peer = own.ServerName
		}
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		c.Close()
		if l.life.Err() != nil {
			return nil, ErrClosed
		}
		return nil, handshakeError(peer, err, own, bare)
	}
	s := conn.ConnectionState()
	info := &TLSInfo{Version: tls.VersionName(s.Version), Cipher: tls.CipherSuiteName(s.CipherSuite)}
	if len(s.PeerCertificates) > 0 {
		leaf := s.PeerCertificates[0]
		info.Names, info.NotAfter = shown(leaf), leaf.NotAfter
		info.Verified = len(s.VerifiedChains) > 0 || client && (own.VerifyConnection != nil || own.VerifyPeerCertificate != nil)
	}
	return l.openStream(conn, local, remote, client, info, peer)
}

// brief is the connection below TLS. The farewell of TLS may not hold anybody up: a far end that takes nothing any more would get
// five seconds for it.
type brief struct {
	net.Conn
	closing atomic.Bool
}

func (c *brief) SetWriteDeadline(t time.Time) error {
	if limit := time.Now().Add(100 * time.Millisecond); c.closing.Load() && t.After(limit) {
		t = limit
	}
	return c.Conn.SetWriteDeadline(t)
}

// handshakeError makes one line for a person of what crypto/tls says; everything wraps ErrFlowDown.
func handshakeError(peer string, err error, cfg *tls.Config, bare bool) error {
	var (
		ready  *CertificateError
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		stop   net.Error
	)
	now := time.Now
	if cfg.Time != nil {
		now = cfg.Time
	}
	line := func(what string) error { return fmt.Errorf("%s %s: %w: %w", peer, what, ErrFlowDown, err) }
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &verify):
		var leaf *x509.Certificate
		if len(verify.UnverifiedCertificates) > 0 {
			leaf = verify.UnverifiedCertificates[0]
		}
		return certificateError(peer, leaf, verify.Err, now())
	case errors.As(err, &record):
		return line("does not speak TLS on this port; check port and transport in the settings")
	case errors.Is(err, context.Canceled):
		return line("was not waited for")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &stop) && stop.Timeout():
		return line("took the connection but said nothing in TLS in time; check port and transport in the settings")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return line("hung up before the connection was secure")
	}
	if told := alertError(peer, err, bare); told != nil {
		return told
	}
	if strings.Contains(err.Error(), "protocol version") {
		return line("speaks only TLS older than 1.2, which is not safe")
	}
	return line("could not agree with us on a secure connection")
}

// alertError is for what the far end says of our certificate, in TLS 1.3 after the handshake was done on our side; nil for all else.
// crypto/tls has these alerts as text only (RFC 8446 §6.2); TLS 1.2 has none of its own for a certificate that is missing.
func alertError(peer string, err error, bare bool) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return nil
	}
	switch s := op.Err.Error(); {
	case strings.Contains(s, "certificate required"), bare && (strings.Contains(s, "handshake failure") || strings.Contains(s, "bad certificate")):
		return &CertificateError{Peer: peer, Problem: CertificateOursNeeded, Cause: err}
	case strings.Contains(s, "protocol version"):
		return fmt.Errorf("%s does not accept TLS 1.2 or newer: %w: %w", peer, ErrFlowDown, err)
	case strings.Contains(s, "handshake failure"):
		return fmt.Errorf("%s could not agree with us on a secure connection: %w: %w", peer, ErrFlowDown, err)
	case strings.Contains(s, "certificate"): // bad, unsupported, revoked, expired, unknown; unknown certificate authority
		return &CertificateError{Peer: peer, Problem: CertificateOursBad, Cause: err}
	}
	return nil
}
