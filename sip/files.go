package sip

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"offhook/internal/text"
)

// TLS says how an account proves itself and whom it believes. The zero value believes the system's authorities and asks for the
// account's domain (RFC 5922).
type TLS struct {
	CAFile            string // PEM file of the authorities to believe in place of the system's; "": those
	CertFile, KeyFile string // PEM files of our own certificate, for servers that ask for one; "": none
	ServerName        string // what the server must prove; "": the domain or host that was configured
	// Wildcard accepts a certificate for *.example.com, which RFC 5922 §7.2 does not.
	Wildcard bool
	// AllowInsecure accepts any certificate: then anybody on the way can listen and answer in the server's place.
	AllowInsecure bool
}

// FileProblem is what a file of a TLS setting does to an account.
type FileProblem string

// What may be wrong with a file.
const (
	FileUnusable   FileProblem = "unusable"    // Open refuses the account
	OwnOutOfDate   FileProblem = "own"         // our certificate is not valid today: a server that asks for it refuses us
	AuthoritiesOut FileProblem = "authorities" // none of the authorities is valid today: no server is believed
)

// FileFault is one thing that is wrong with a file of a TLS setting.
type FileFault struct {
	Problem FileProblem
	Key     string // the setting, as "ca_file"
	What    string // the file and what is wrong with it, for a person; cleaned
}

// maxPEM bounds a file of certificates or keys; the authorities of a whole system are a quarter of it.
const maxPEM = 1 << 20

// Files reads the certificates and keys of an account as Open does, and says everything that is wrong with them at a time. Dates are
// looked at where the account uses TLS. It connects to nobody. A Config that cannot be read otherwise is not its business.
func Files(c Config, now time.Time) []FileFault {
	loaded, faults := c.TLS.read()
	a := account{Config: c}
	if err := a.readServers(); err != nil || !a.usesTLS() {
		return faults
	}
	if own := loaded.own; own != nil {
		if out := outOfDate(own, now); out != "" {
			faults = append(faults, FileFault{OwnOutOfDate, "certificate", fileName(c.TLS.CertFile) + " " + out})
		}
	}
	if why := noneValid(loaded.authorities, now); why != "" && !c.TLS.AllowInsecure {
		faults = append(faults, FileFault{AuthoritiesOut, "ca_file", fileName(c.TLS.CAFile) + " " + why})
	}
	return faults
}

// noneValid says why none of the authorities is valid; "" when one is. Bundles carry old ones beside those that count.
func noneValid(authorities []*x509.Certificate, now time.Time) (why string) {
	for _, ca := range authorities {
		if why = outOfDate(ca, now); why == "" {
			return ""
		}
	}
	if len(authorities) > 1 {
		return "holds no certificate that is valid today"
	}
	return why
}

// usesTLS reports whether the account may connect by TLS.
func (a account) usesTLS() bool {
	uses := a.secure || a.Transport == "tls" || a.Transport == "auto"
	for _, w := range a.ways {
		uses = uses || w.next().secure || w.next().transport == "TLS"
	}
	return uses
}

func outOfDate(c *x509.Certificate, now time.Time) string {
	switch day := "2 January 2006"; {
	case now.After(c.NotAfter):
		return "ended on " + c.NotAfter.UTC().Format(day)
	case now.Before(c.NotBefore):
		return "is valid only from " + c.NotBefore.UTC().Format(day)
	}
	return ""
}

// tlsFiles are the files of a TLS setting, read.
type tlsFiles struct {
	config      *tls.Config
	own         *x509.Certificate // nil: none
	authorities []*x509.Certificate
}

// load reads the files of a TLS setting.
func (t TLS) load() (*tls.Config, error) {
	files, faults := t.read()
	if len(faults) > 0 {
		return nil, &ConfigError{faults[0].Key, faults[0].What}
	}
	return files.config, nil
}

// read reads the files, and says which cannot be used.
func (t TLS) read() (files tlsFiles, faults []FileFault) {
	files.config = &tls.Config{MinVersion: tls.VersionTLS12}
	bad := func(key, what string) { faults = append(faults, FileFault{FileUnusable, key, what}) }
	if t.CAFile != "" {
		if raw, err := readPEM(t.CAFile); err != nil {
			bad("ca_file", err.Error())
		} else if files.authorities = certificates(raw); len(files.authorities) == 0 {
			bad("ca_file", fileName(t.CAFile)+" holds no certificate in PEM form")
		}
	}
	if len(files.authorities) > 0 {
		files.config.RootCAs = x509.NewCertPool()
		for _, ca := range files.authorities {
			files.config.RootCAs.AddCert(ca)
		}
	}
	switch {
	case t.CertFile == "" && t.KeyFile == "":
	case t.CertFile == "":
		bad("certificate", "is needed beside key")
	case t.KeyFile == "":
		bad("key", "is needed beside certificate")
	default:
		cert, cerr := readPEM(t.CertFile)
		key, kerr := readPEM(t.KeyFile)
		if cerr == nil && len(certificates(cert)) == 0 {
			cerr = errors.New(fileName(t.CertFile) + " holds no certificate in PEM form")
		}
		if kerr == nil {
			kerr = keyFault(t.KeyFile, key)
		}
		if cerr != nil {
			bad("certificate", cerr.Error())
		}
		if kerr != nil {
			bad("key", kerr.Error())
		}
		if cerr != nil || kerr != nil {
			break
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			what := fmt.Sprintf("%s and its key %s cannot be used: %s", fileName(t.CertFile), fileName(t.KeyFile), text.Clean(strings.TrimPrefix(err.Error(), "tls: ")))
			if strings.Contains(err.Error(), "match") {
				what = fmt.Sprintf("%s does not belong to the key %s", fileName(t.CertFile), fileName(t.KeyFile))
			}
			bad("certificate", what)
			break
		}
		files.own, files.config.Certificates = pair.Leaf, []tls.Certificate{pair}
	}
	return files, faults
}

// keyFault says why a file holds no key that can be used; nil when it does.
func keyFault(path string, raw []byte) error {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
			return fmt.Errorf("%s has a passphrase, for which nobody can be asked when the telephone starts; write the key without one: openssl pkey", fileName(path))
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil
		}
	}
	return errors.New(fileName(path) + " holds no key in PEM form")
}

// certificates are those of a PEM file that can be read.
func certificates(raw []byte) (out []*x509.Certificate) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// readPEM reads a file; its errors are for a person.
func readPEM(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var raw []byte
		if raw, err = io.ReadAll(io.LimitReader(f, maxPEM+1)); err == nil && len(raw) > maxPEM {
			err = errors.New("it is larger than 1 MB")
		}
		if err == nil {
			return raw, nil
		}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return nil, fmt.Errorf("%s cannot be read: %w", fileName(path), err)
}

func fileName(path string) string { return text.Clean(path).String() }
