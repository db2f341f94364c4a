package media

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	_ "crypto/sha512" // fingerprints of far ends
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Certificate is our identity in DTLS handshakes. One per run of the program: signalling vouches for it by its
// fingerprint, and nobody can follow a person by it from one day to the next.
type Certificate struct {
	tls         tls.Certificate
	fingerprint string
}

// NewCertificate makes a self-signed ECDSA P-256 certificate under a random name (RFC 8826 §6.5).
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for encrypted sound: %w", err)
	}
	var name [16]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, fmt.Errorf("make a certificate for encrypted sound: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(name[:]), Subject: pkix.Name{CommonName: hex.EncodeToString(name[:])},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(1, 0, 0), // clocks of far ends go wrong
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for encrypted sound: %w", err)
	}
	sum := sha256.Sum256(der)
	return &Certificate{
		tls:         tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		fingerprint: "sha-256 " + colons(sum[:]),
	}, nil
}

// Fingerprint is the value of a=fingerprint: "sha-256 AA:BB…".
func (c *Certificate) Fingerprint() string { return c.fingerprint }

func colons(sum []byte) string {
	var b strings.Builder
	for i, x := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", x)
	}
	return b.String()
}

// parseFingerprint reads "sha-256 AA:BB…"; ok is false for hashes that can be forged (RFC 8122 §5) or are not known.
func parseFingerprint(s string) (hash crypto.Hash, sum []byte, ok bool) {
	name, value, found := strings.Cut(strings.TrimSpace(s), " ")
	if !found {
		return 0, nil, false
	}
	switch strings.ToLower(name) {
	case "sha-256":
		hash = crypto.SHA256
	case "sha-384":
		hash = crypto.SHA384
	case "sha-512":
		hash = crypto.SHA512
	default:
		return 0, nil, false
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(value), ":", ""))
	return hash, sum, err == nil && len(sum) == hash.Size()
}

// maxFingerprints bounds what a far end may have us compute.
const maxFingerprints = 16

func usableFingerprints(list []string) error {
	if len(list) > maxFingerprints {
		return fmt.Errorf("%w: %d fingerprints", ErrSecure, len(list))
	}
	for _, f := range list {
		if _, _, ok := parseFingerprint(f); ok {
			return nil
		}
	}
	return fmt.Errorf("%w: no fingerprint of sha-256, sha-384 or sha-512", ErrSecure)
}

// fingerprintFits tells whether the certificate is one of those that signalling vouched for.
func fingerprintFits(list []string, der []byte) bool {
	fits := false
	for _, f := range list {
		hash, want, ok := parseFingerprint(f)
		if !ok {
			continue
		}
		h := hash.New()
		h.Write(der)
		if subtle.ConstantTimeCompare(h.Sum(nil), want) == 1 {
			fits = true
		}
	}
	return fits
}
