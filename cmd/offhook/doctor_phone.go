package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"offhook/config"
	"offhook/internal/checkup"
	"offhook/media/device"
	"offhook/sip"
	"offhook/sip/locate"
	"offhook/sip/reach"
	"offhook/sip/transaction"
)

// examinePhone looks at the passwords, the certificates and the servers of the accounts, and at sound.
func examinePhone(ctx context.Context, l *config.Loaded, s *checkup.Section) {
	rules := localRules()
	faults := tlsFaults(l, time.Now())
	if l.SIP.Registrar == "" {
		s.Find(rules.Get("sip.open").With())
	} else {
		examinePasswords(ctx, l, s)
		examineServers(ctx, l, len(faults) > 0, s)
	}
	for _, f := range faults {
		s.Find(f.finding)
	}
	if l.SIP.AllowInsecure {
		s.Find(rules.Get("sip.insecure").With())
	}
	examineSound(l.Audio, s)
	if l.Hub.URL != "" {
		examineHub(ctx, l.Hub.URL, s)
	}
}

func examinePasswords(ctx context.Context, l *config.Loaded, s *checkup.Section) {
	said := map[string]bool{}
	for _, c := range accountsOf(l) {
		if _, err := c.Password(ctx); err != nil && !said[err.Error()] { // further accounts may have the first one's
			said[err.Error()] = true
			s.Find(localRules().Get("sip.password").With("why", asFinding(err.Error()), "phone", phoneName(l, c)))
		}
	}
}

// phoneName is how findings call the telephone of an account.
func phoneName(l *config.Loaded, accounts ...sip.Config) string {
	if len(accounts) > len(l.SIP.Accounts) {
		return "the telephone"
	}
	var names []string
	for _, c := range accounts {
		names = append(names, strings.TrimPrefix(strings.TrimPrefix(c.Account, "sip:"), "sips:"))
	}
	return strings.Join(names, ", ")
}

// tlsFault is a file of certificates or keys that cannot be used, or not today.
type tlsFault struct {
	key     string // the setting
	finding checkup.Finding
}

// tlsFaults reads the certificates and keys of every account.
func tlsFaults(l *config.Loaded, now time.Time) (out []tlsFault) {
	seen := map[sip.FileFault]bool{}
	for i, c := range accountsOf(l) {
		for _, f := range sip.Files(c, now) {
			if seen[f] { // further accounts may have the first one's
				continue
			}
			seen[f] = true
			key, what := "sip."+f.Key, f.What
			if i > 0 {
				key, what = "sip.accounts", fmt.Sprintf("%s of %s: %s", f.Key, phoneName(l, c), f.What)
			}
			id := map[sip.FileProblem]string{sip.FileUnusable: "sip.files", sip.OwnOutOfDate: "sip.own", sip.AuthoritiesOut: "sip.authority"}[f.Problem]
			out = append(out, tlsFault{key, localRules().Get(id).With("what", what, "key", key, "phone", phoneName(l, c))})
		}
	}
	return out
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

// lineTo is a way to a registrar, the accounts that go it, and what its servers said.
type lineTo struct {
	sip.Way
	proof    sip.TLS
	accounts []sip.Config
	servers  []locate.Server
	err      error // servers were not found
	failed   []serverFailure
}

type serverFailure struct {
	server locate.Server
	err    error
}

// works reports whether a server of the way answers.
func (w *lineTo) works() bool { return w.err == nil && len(w.failed) < len(w.servers) }

// spares reports whether the accounts of a way have another one that works.
func (w *lineTo) spares(all []*lineTo) bool {
	return !slices.ContainsFunc(w.accounts, func(c sip.Config) bool {
		return !slices.ContainsFunc(all, func(o *lineTo) bool {
			return o.works() && slices.ContainsFunc(o.accounts, func(d sip.Config) bool { return d.Account == c.Account })
		})
	})
}

// linesTo are the ways to servers; accounts that go the same one share it.
func linesTo(l *config.Loaded) (out []*lineTo, err error) {
	for _, c := range accountsOf(l) {
		ways, e := sip.Ways(c)
		err = errors.Join(err, e)
		for _, w := range ways {
			i := slices.IndexFunc(out, func(o *lineTo) bool { return o.Target == w.Target && o.proof == c.TLS })
			if i < 0 {
				i, out = len(out), append(out, &lineTo{Way: w, proof: c.TLS})
			}
			out[i].accounts = append(out[i].accounts, c)
		}
	}
	return out, err
}

// examineServers asks every server of every account. faulty: files of TLS have faults, which are told with them.
func examineServers(ctx context.Context, l *config.Loaded, faulty bool, s *checkup.Section) {
	all, err := linesTo(l)
	if err != nil && !faulty {
		s.Find(localRules().Get("settings.wrong").With("what", err.Error()))
	}
	find := locate.New(locate.Config{})
	for _, w := range all {
		own, stop := context.WithTimeout(ctx, 20*time.Second)
		w.ask(own, find, s)
		stop()
	}
	for _, w := range all {
		w.tell(phoneName(l, w.accounts...), w.spares(all), s)
	}
}

// ask asks the servers of one way, and tells of those that answer.
func (w *lineTo) ask(ctx context.Context, find *locate.Resolver, s *checkup.Section) {
	w.servers, w.err = find.Find(ctx, w.Target)
	w.servers = w.servers[:min(4, len(w.servers))]
	for _, at := range w.servers {
		own, stop := context.WithTimeout(ctx, 5*time.Second)
		r, err := reach.Server(own, at, w.TLS)
		stop()
		if err != nil {
			w.failed = append(w.failed, serverFailure{at, err})
			continue
		}
		said := "answers"
		if r.Status == 0 {
			said = "can be reached"
		}
		s.Fine(fmt.Sprintf("%s %s after %s", serverName(at), said, r.Took.Round(time.Millisecond)))
		if !r.Expires.IsZero() && time.Until(r.Expires) < 14*24*time.Hour {
			s.Find(localRules().Get("sip.expires").With("server", serverName(at), "when", r.Expires.Local().Format(time.DateOnly)))
		}
	}
}

// tell says what does not answer, and what that means: nothing yet while the accounts have another server.
func (w *lineTo) tell(phone string, spare bool, s *checkup.Section) {
	rules := localRules()
	switch {
	case w.err != nil && spare:
		s.Find(rules.Get("sip.one").With("server", w.Target.Host, "why", w.err.Error()))
	case w.err != nil:
		s.Find(rules.Get("sip.name").With("why", w.err.Error(), "host", w.Target.Host, "phone", phone))
	}
	for _, f := range w.failed {
		id := "sip.server"
		switch {
		case spare:
			id = "sip.one"
		case errors.Is(f.err, transaction.ErrCertificate):
			id = "sip.certificate"
		}
		s.Find(rules.Get(id).With("server", serverName(f.server), "why", reason(f.err), "phone", phone))
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

// reason is the heart of a network error, without addresses that are said already.
func reason(err error) string {
	var v *transaction.CertificateError
	var op *net.OpError
	switch {
	case errors.As(err, &v):
		return v.Error()
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
