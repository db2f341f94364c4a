package transaction

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	cleaned "offhook/internal/text"
)

// Proof says whom the far end of a TLS connection must prove to be (RFC 5922 §7).
type Proof struct {
	// Domain is the SIP domain, in ASCII: what the person configured, never what DNS led to. It may be an IP address: then
	// the certificate must carry that address.
	Domain string
	// Wildcard also accepts "*.example.com" for one label below example.com. RFC 5922 §7.2 forbids it; many hosted
	// PBXs have no other certificate, so it is a setting, and off unless somebody sets it.
	Wildcard bool
}

// VerifyDomain checks for a tls.Config's VerifyConnection that the far end is this SIP domain (RFC 5922 §7). It stands on a chain that
// crypto/tls verified, and refuses a connection without one. crypto/tls knows nothing of SIP names, though, and compares by rules
// of its own before this is asked: Proof.Config does both by RFC 5922. Errors are *CertificateError.
func VerifyDomain(domain string) func(tls.ConnectionState) error {
	p := Proof{Domain: domain}
	return func(s tls.ConnectionState) error {
		if len(s.VerifiedChains) == 0 {
			return &CertificateError{Peer: domain, Problem: CertificateUnverified}
		}
		return p.names(s.PeerCertificates[0])
	}
}

// Config is a copy of base (nil: an empty one) that accepts only a far end which proves to be p.Domain: a chain to base.RootCAs
// (nil: those of the system) at base.Time, made for servers or for SIP domains (RFC 5924), and the name of RFC 5922 §7. Client
// certificates and whatever else base has stay.
func (p Proof) Config(base *tls.Config) *tls.Config {
	cfg := &tls.Config{}
	if base != nil {
		cfg = base.Clone()
	}
	roots, clock, more := cfg.RootCAs, cfg.Time, cfg.VerifyConnection
	if clock == nil {
		clock = time.Now
	}
	cfg.ServerName = strings.TrimSuffix(p.Domain, ".")
	cfg.InsecureSkipVerify = true // crypto/tls does not know the SIP names of a certificate: the next function checks all of it
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return &CertificateError{Peer: p.Domain, Problem: CertificateUnverified}
		}
		leaf := s.PeerCertificates[0]
		if err := chain(s.PeerCertificates, roots, clock()); err != nil {
			return certificateError(p.Domain, leaf, err, clock())
		}
		if err := p.names(leaf); err != nil {
			return err
		}
		if more != nil {
			return more(s)
		}
		return nil
	}
	return cfg
}

// sipDomain is id-kp-sipDomain (RFC 5924 §3).
var sipDomain = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 20}

// chain verifies a chain for a server, or for a SIP domain when that is what the certificate says it is for.
func chain(certs []*x509.Certificate, roots *x509.CertPool, now time.Time) error {
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := certs[0].Verify(opts)
	if invalid := (x509.CertificateInvalidError{}); errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage &&
		slices.ContainsFunc(certs[0].UnknownExtKeyUsage, sipDomain.Equal) {
		opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		_, err = certs[0].Verify(opts)
	}
	return err
}

// identities are the SIP domains of a certificate (RFC 5922 §7.1): the sip URIs without a user part in subjectAltName, and the DNS names
// there only when there are none of those. Common Name, which the RFC lets an implementation look at when there is no subjectAltName at
// all, is not looked at: certificate authorities have had to name servers in subjectAltName since long, RFC 9525 §2 ends the exception,
// and a Common Name is free text that name constraints of a CA do not bind.
func identities(c *x509.Certificate) (out []string) {
	for _, u := range c.URIs {
		if id, err := ParseURI(u.String()); err == nil && id.Scheme == "sip" && id.User == "" && !strings.Contains(u.String(), "@") {
			out = append(out, id.Host)
		}
	}
	if len(out) == 0 {
		out = slices.Clone(c.DNSNames)
	}
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

// names checks that the certificate names the domain. Names match whole and without case, never by a suffix (RFC 5922 §7.2).
func (p Proof) names(c *x509.Certificate) error {
	want := strings.ToLower(strings.TrimSuffix(p.Domain, "."))
	ip, err := netip.ParseAddr(strings.Trim(want, "[]"))
	ip = ip.Unmap()
	for _, id := range identities(c) {
		id = strings.ToLower(strings.TrimSuffix(id, "."))
		if err == nil {
			if a, e := netip.ParseAddr(id); e == nil && a.Unmap() == ip {
				return nil
			}
			continue
		}
		if want != "" && id == want {
			return nil
		}
		if rest, ok := strings.CutPrefix(id, "*."); ok && p.Wildcard && strings.Contains(rest, ".") {
			if label, tail, ok := strings.Cut(want, "."); ok && label != "" && tail == rest {
				return nil
			}
		}
	}
	return &CertificateError{Peer: p.Domain, Problem: CertificateWrongName, Names: shown(c), Until: c.NotAfter}
}

// shown are the names of a certificate for a person: cleaned, because a stranger wrote them, and not too many.
func shown(c *x509.Certificate) []string {
	var out []string
	for _, id := range identities(c) {
		if len(out) == 5 {
			return append(out, "…")
		}
		out = append(out, cleaned.Clean(id).Runes(80).String())
	}
	return out
}

// CertificateProblem is what is wrong with a certificate.
type CertificateProblem string

// What may be wrong with a certificate.
const (
	CertificateExpired    CertificateProblem = "expired"
	CertificateNotYet     CertificateProblem = "not yet valid"
	CertificateUnknown    CertificateProblem = "unknown authority"
	CertificateSelfSigned CertificateProblem = "self-signed"
	CertificateWrongName  CertificateProblem = "wrong name"
	CertificateUnfit      CertificateProblem = "unfit"      // made for something else, or against the rules
	CertificateUnverified CertificateProblem = "unverified" // nobody checked its chain
	CertificateOursNeeded CertificateProblem = "ours needed"
	CertificateOursBad    CertificateProblem = "ours refused"
)

// CertificateError says in one line for a person why a TLS connection was not made. It wraps ErrCertificate and ErrFlowDown.
type CertificateError struct {
	Peer    string // the domain, or the address, that should have been proved
	Problem CertificateProblem
	Names   []string  // whom the certificate names; cleaned
	Until   time.Time // end of its validity; for CertificateNotYet its beginning
	Cause   error     // of crypto/tls or crypto/x509; may be nil
}

// Error is the line.
func (e *CertificateError) Error() string {
	day := e.Until.UTC().Format("2 January 2006")
	who := cleaned.Clean(e.Peer).Runes(80).String()
	switch e.Problem {
	case CertificateExpired:
		return fmt.Sprintf("%s shows a certificate that expired on %s: no secure connection until the server has a new one (or this computer's clock is wrong)", who, day)
	case CertificateNotYet:
		return fmt.Sprintf("%s shows a certificate that is valid only from %s: no secure connection before (or this computer's clock is wrong)", who, day)
	case CertificateUnknown:
		return fmt.Sprintf("%s shows a certificate of an authority that this computer does not trust: no secure connection; add the authority's certificate to the settings if it is your own", who)
	case CertificateSelfSigned:
		return fmt.Sprintf("%s shows a certificate that it signed itself: no secure connection; add that certificate to the settings if you trust it", who)
	case CertificateWrongName:
		if len(e.Names) == 0 {
			return fmt.Sprintf("%s shows a certificate that names nobody (a Common Name alone does not count): no secure connection until the server has one for %s", who, who)
		}
		return fmt.Sprintf("%s shows a certificate that belongs to %s: no secure connection; check the server's name in the settings", who, strings.Join(e.Names, ", "))
	case CertificateOursNeeded:
		return fmt.Sprintf("%s wants a certificate from us and got none: no secure connection; set the account's client certificate", who)
	case CertificateOursBad:
		return fmt.Sprintf("%s refuses our client certificate: no secure connection; ask who runs the server for one that it accepts", who)
	case CertificateUnverified:
		return fmt.Sprintf("the certificate of %s was not verified: no secure connection", who)
	}
	return fmt.Sprintf("%s shows a certificate that is not fit for a SIP server: no secure connection until the server has a proper one", who)
}

// Unwrap lets errors.Is find ErrCertificate, ErrFlowDown and the cause.
func (e *CertificateError) Unwrap() []error {
	out := []error{ErrCertificate, ErrFlowDown}
	if e.Cause != nil {
		out = append(out, e.Cause)
	}
	return out
}

// certificateError sorts what crypto/x509 found; leaf may be nil.
func certificateError(peer string, leaf *x509.Certificate, err error, now time.Time) *CertificateError {
	e := &CertificateError{Peer: peer, Problem: CertificateUnfit, Cause: err}
	var (
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	if leaf != nil {
		e.Names, e.Until = shown(leaf), leaf.NotAfter
	}
	switch {
	case errors.As(err, &host):
		e.Problem = CertificateWrongName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Problem = CertificateExpired
		if c := invalid.Cert; c != nil {
			if e.Until = c.NotAfter; now.Before(c.NotBefore) {
				e.Problem, e.Until = CertificateNotYet, c.NotBefore
			}
		}
	case errors.As(err, &unknown):
		e.Problem = CertificateUnknown
		if leaf != nil && string(leaf.RawIssuer) == string(leaf.RawSubject) {
			e.Problem = CertificateSelfSigned
		}
	}
	return e
}
