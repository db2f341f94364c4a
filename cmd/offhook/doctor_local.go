package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"offhook/config"
	"offhook/crm/ledger"
	"offhook/internal/checkup"
	"offhook/media/device"
	"offhook/sip/locate"
	"offhook/sip/reach"
)

// How much room on a disk is enough.
const (
	diskLow  = 200 << 20
	diskFull = 20 << 20
)

// waitingLong is how long a record may wait before a person is told: retries are up to half an hour apart.
const waitingLong = time.Hour

// examineDisk looks at the folder of the ledger, and at what waits in it. It reports whether the folder can be used: the sign-in is
// kept there, too.
func (e *env) examineDisk(ctx context.Context, l *config.Loaded, s *checkup.Section) (usable bool) {
	rules := localRules()
	path, err := ledgerPath(l.Config, l.Profile)
	if err != nil {
		s.Find(rules.Get("disk.ledger").With("why", asFinding(err.Error())))
		return false
	}
	dir := filepath.Dir(path)
	took, err := tryDisk(dir)
	if err != nil {
		s.Find(rules.Get("disk.ledger").With("why", asFinding(fmt.Sprintf("%s cannot be written: %v", dir, err))))
		return false
	}
	if free, known := diskFree(dir); known && free < diskLow {
		id := "disk.low"
		if free < diskFull {
			id = "disk.full"
		}
		s.Find(rules.Get(id).With("dir", dir, "free", fmt.Sprintf("%d MB", free>>20)))
	}
	holder, held := ledger.HeldBy(path)
	var counts ledger.Counts
	err = withLedger(ctx, e, func(led *ledger.Ledger) (err error) {
		counts, err = led.Counts(ctx)
		return err
	})
	switch {
	case errors.Is(err, ledger.ErrNone):
		s.Fine(fmt.Sprintf("%s: no call yet; a write takes %s", dir, took.Round(time.Millisecond)))
		return true
	case err != nil:
		s.Find(rules.Get("disk.ledger").With("why", asFinding(err.Error())))
		return true
	}
	line := fmt.Sprintf("%s: a write takes %s", dir, took.Round(time.Millisecond))
	if held {
		line += "; at the desk is " + holder.String()
	}
	s.Fine(line)
	if n := counts.Dead + counts.Fix; n > 0 {
		s.Find(rules.Get("disk.stuck").With("count", plural(n, "record")))
	}
	if counts.Pending > 0 && time.Since(counts.Oldest) > waitingLong && counts.Dead+counts.Fix == 0 {
		s.Find(rules.Get("disk.waiting").With("count", plural(counts.Pending, "record"), "since", clockTime(counts.Oldest, time.Now())))
	}
	return true
}

// tryDisk writes a file as the ledger does: it is on the disk when this returns.
func tryDisk(dir string) (time.Duration, error) {
	at := dir
	for { // a profile that was never used has no folder: what counts is whether it can be made
		if st, err := os.Stat(at); err == nil {
			if !st.IsDir() {
				return 0, fmt.Errorf("%s is a file", at)
			}
			break
		}
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	began := time.Now()
	f, err := os.CreateTemp(at, ".offhook-doctor-*")
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return 0, err
	}
	defer os.Remove(f.Name())
	_, werr := f.Write(make([]byte, 4096))
	err = errors.Join(werr, f.Sync(), f.Close())
	return time.Since(began), err
}

// examinePhone looks at the password, the servers of the account, and sound.
func examinePhone(ctx context.Context, l *config.Loaded, s *checkup.Section) {
	rules := localRules()
	c := l.SIP
	switch {
	case c.Registrar == "":
		s.Find(rules.Get("sip.open").With())
	default:
		if _, err := secrets(l).SIPPassword(ctx, c); err != nil {
			s.Find(rules.Get("sip.password").With("why", asFinding(err.Error())))
		}
		examineServers(ctx, c, s)
	}
	if c.AllowInsecure {
		s.Find(rules.Get("sip.insecure").With())
	}
	examineSound(l.Audio, s)
	if l.Hub.URL != "" {
		examineHub(ctx, l.Hub.URL, s)
	}
}

func examineSound(a config.Audio, s *checkup.Section) {
	set, err := device.Open(device.Spec{Input: a.Input, Output: a.Output, Ring: a.Ring, Server: a.Server, EchoCancel: a.Echo})
	if err != nil {
		s.Find(localRules().Get("sound.device").With("why", asFinding(err.Error())))
		return
	}
	if said := set.Describe().String(); set.Silent() {
		said, _, _ = strings.Cut(said, "; calls run without sound")
		s.Find(localRules().Get("sound.none").With("why", asFinding(said)))
	} else {
		s.Fine("sound: " + said)
	}
	_ = set.Close()
}

func examineHub(ctx context.Context, address string, s *checkup.Section) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" {
		s.Find(localRules().Get("hub.server").With("server", address, "why", "that is no address"))
		return
	}
	host := at.Host
	if at.Port() == "" {
		host = net.JoinHostPort(at.Hostname(), "4222")
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		s.Find(localRules().Get("hub.server").With("server", host, "why", reason(err)))
		return
	}
	_ = conn.Close()
	s.Fine("the hub at " + host + " can be reached")
}

// firstHop is where the telephone's requests go: the proxy, the registrar, or the account's domain.
func firstHop(c config.SIP) (locate.Target, error) {
	where := c.OutboundProxy
	if where == "" {
		where = c.Registrar
	}
	if where == "auto" || where == "" {
		_, where, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(c.Account, "sips:"), "sip:"), "@")
	}
	where, _, _ = strings.Cut(where, ";")
	t := locate.Target{Host: strings.Trim(where, "[]")}
	if host, port, err := net.SplitHostPort(where); err == nil {
		n, err := strconv.Atoi(port)
		if err != nil {
			return t, fmt.Errorf("%q has no port that is a number", where)
		}
		t.Host, t.Port = host, n
	}
	if c.Transport != "auto" {
		t.Transport = strings.ToUpper(c.Transport)
	}
	return t, nil
}

// examineServers asks every server of the account.
func examineServers(ctx context.Context, c config.SIP, s *checkup.Section) {
	rules := localRules()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	target, err := firstHop(c)
	var servers []locate.Server
	if err == nil {
		servers, err = locate.New(locate.Config{}).Find(ctx, target)
	}
	if err != nil {
		s.Find(rules.Get("sip.name").With("why", err.Error(), "host", target.Host))
		return
	}
	servers = servers[:min(4, len(servers))]
	conf, err := tlsOf(c)
	if err != nil {
		s.Find(rules.Get("settings.wrong").With("what", "sip.ca_file: "+err.Error()))
		return
	}
	type failure struct {
		server locate.Server
		err    error
	}
	var failed []failure
	for _, at := range servers {
		own, stop := context.WithTimeout(ctx, 5*time.Second)
		r, err := reach.Server(own, at, conf)
		stop()
		if err != nil {
			failed = append(failed, failure{at, err})
			continue
		}
		said := "answers"
		if r.Status == 0 {
			said = "can be reached"
		}
		s.Fine(fmt.Sprintf("%s %s after %s", serverName(at), said, r.Took.Round(time.Millisecond)))
		if !r.Expires.IsZero() && time.Until(r.Expires) < 14*24*time.Hour {
			s.Find(rules.Get("sip.expires").With("server", serverName(at), "when", r.Expires.Local().Format(time.DateOnly)))
		}
	}
	for _, f := range failed {
		id := "sip.server"
		if len(failed) < len(servers) {
			id = "sip.one"
		}
		if untrusted(f.err) {
			id = "sip.certificate"
		}
		s.Find(rules.Get(id).With("server", serverName(f.server), "why", reason(f.err)))
	}
}

func serverName(s locate.Server) string {
	name := s.Domain
	if s.Name != "" {
		name = s.Name
	}
	if name == s.Addr.Addr().String() || name == "" {
		return fmt.Sprintf("%s (%s)", s.Addr, s.Transport)
	}
	return fmt.Sprintf("%s (%s, %s)", name, s.Addr, s.Transport)
}

// tlsOf is how the settings want certificates checked.
func tlsOf(c config.SIP) (*tls.Config, error) {
	conf := &tls.Config{ServerName: c.TLSName, InsecureSkipVerify: c.AllowInsecure}
	if c.CAFile == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", c.CAFile)
	}
	return conf, nil
}

func untrusted(err error) bool {
	var v *tls.CertificateVerificationError
	return errors.As(err, &v)
}

// reason is the heart of a network error, without addresses that are said already.
func reason(err error) string {
	var v *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.As(err, &v):
		return v.Err.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no reply"
	case errors.As(err, &op):
		var sys *os.SyscallError
		if errors.As(op.Err, &sys) {
			return sys.Err.Error()
		}
		return op.Err.Error()
	}
	return err.Error()
}
