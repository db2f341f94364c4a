package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Options say how the embedded hub runs.
type Options struct {
	Listen   string      // host:port; port 0 lets the system choose
	Dir      string      // tokens, signing key, call events and audit; made with 0700 when it is not there
	TLS      *tls.Config // needed beyond this machine
	Insecure bool        // permits another address than loopback without TLS
	Logger   *slog.Logger
}

// Server is a running hub.
type Server struct {
	url      string
	agent    string // path of the agents' token file
	boss     string // path of the supervisors' token file
	srv      *server.Server
	service  *service
	finished bool
}

// Names of the files in Options.Dir.
const (
	agentTokenFile = "agent.token"
	bossTokenFile  = "supervisor.token"
	keyFile        = "hub.key"
)

// SupervisorTokenFile is where a hub that runs in dir keeps the supervisors' token.
func SupervisorTokenFile(dir string) string { return filepath.Join(dir, bossTokenFile) }

// PortTakenError: something else listens on the hub's address.
type PortTakenError struct {
	Address string
	Err     error
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("the hub cannot listen on %s (%v): another hub may run there; choose another address with --listen", e.Address, e.Err)
}

func (e *PortTakenError) Unwrap() error { return e.Err }

// Serve starts a hub and returns when it takes connections.
func Serve(ctx context.Context, opt Options) (*Server, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	host, port, err := listenAddress(opt)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("the hub's folder cannot be made: %w", err)
	}
	s := &Server{agent: filepath.Join(opt.Dir, agentTokenFile), boss: filepath.Join(opt.Dir, bossTokenFile)}
	door := &door{}
	if door.agent, err = secret(s.agent); err != nil {
		return nil, err
	}
	if door.boss, err = secret(s.boss); err != nil {
		return nil, err
	}
	seed, err := secret(filepath.Join(opt.Dir, keyFile))
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(seed)
	if err != nil || len(raw) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s is damaged: remove it, a new key is made at the next start", filepath.Join(opt.Dir, keyFile))
	}
	door.service = random()

	nopt := &server.Options{
		ServerName: "offhook", Host: host, Port: port, NoSigs: true, MaxPayload: 64 << 10, MaxControlLine: 4096,
		Accounts: []*server.Account{server.NewAccount("TEAM"), server.NewAccount("SYS")}, SystemAccount: "SYS", CustomClientAuthentication: door,
		JetStream: true, StoreDir: filepath.Join(opt.Dir, "store"), JetStreamMaxMemory: 256 << 20, JetStreamMaxStore: 2 << 30,
		PingInterval: 10 * time.Second, MaxPingsOut: 2, WriteDeadline: 5 * time.Second, AuthTimeout: 5,
	}
	if opt.TLS != nil {
		nopt.TLS, nopt.TLSConfig, nopt.TLSTimeout = true, opt.TLS, 5
	}
	if s.srv, err = server.NewServer(nopt); err != nil {
		return nil, fmt.Errorf("the hub cannot start: %w", err)
	}
	s.srv.SetLogger(logger{opt.Logger}, false, false)
	for name, acc := range map[string]**server.Account{"TEAM": &door.team, "SYS": &door.system} { // the server has made its own of ours
		if *acc, err = s.srv.LookupAccount(name); err != nil {
			return nil, fmt.Errorf("the hub cannot start: %w", err)
		}
	}
	go s.srv.Start()
	if !s.srv.ReadyForConnections(10 * time.Second) {
		s.stop()
		return nil, errors.New("the hub did not start within ten seconds; its log says why")
	}
	if err = door.team.EnableJetStream(nil, nil); err == nil {
		s.service, err = startService(ctx, s.srv, door.service, ed25519.NewKeyFromSeed(raw), opt.Logger)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("the hub cannot start: %w", err)
	}
	s.url = s.srv.ClientURL()
	return s, nil
}

// listenAddress is where to listen. Tokens must not travel in clear over a network.
func listenAddress(opt Options) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(opt.Listen)
	if err != nil {
		return "", 0, fmt.Errorf("the hub's address %q is not host:port", opt.Listen)
	}
	if port, err = strconv.Atoi(p); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("the hub's address %q has no port between 0 and 65535", opt.Listen)
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback && opt.TLS == nil && !opt.Insecure {
		return "", 0, fmt.Errorf("the hub would send tokens and call states in clear on %s: give it a certificate with --tls-cert and --tls-key, or permit it with --allow-insecure", opt.Listen)
	}
	probe, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return "", 0, &PortTakenError{opt.Listen, err}
	}
	_ = probe.Close()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// secret reads a file of one line that only we may read, and makes it with a random secret when it is not there.
func secret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s := random()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(s + "\n")
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return "", fmt.Errorf("the hub cannot write %s: %w", path, err)
		}
		return s, nil
	}
	if err != nil {
		return "", fmt.Errorf("the hub cannot read %s: %w", path, err)
	}
	if st, err := os.Stat(path); err == nil && st.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return "", fmt.Errorf("others can read %s and that cannot be changed: %w", path, err)
		}
	}
	s := strings.TrimSpace(string(b))
	if len(s) < 20 {
		return "", fmt.Errorf("%s holds no secret: remove it, a new one is made at the next start", path)
	}
	return s, nil
}

func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand, Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b)
}

// URL is where clients connect.
func (s *Server) URL() string { return s.url }

// AgentTokenFile and SupervisorTokenFile are the files with the tokens of the two roles.
func (s *Server) AgentTokenFile() string      { return s.agent }
func (s *Server) SupervisorTokenFile() string { return s.boss }

// Tokens reads the tokens of the two roles.
func (s *Server) Tokens() (agent, supervisor string, err error) {
	if agent, err = secret(s.agent); err == nil {
		supervisor, err = secret(s.boss)
	}
	return agent, supervisor, err
}

// Close ends the hub and waits for it. Desks notice and go on.
func (s *Server) Close() {
	if s.finished {
		return
	}
	s.finished = true
	s.service.close()
	s.stop()
}

func (s *Server) stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// door lets clients in: the token decides the role, the user name says who it is, both together what may be sent and read.
type door struct {
	agent, boss, service string
	team, system         *server.Account
}

// Check implements server.Authentication.
func (d *door) Check(c server.ClientAuthentication) bool {
	opt := c.GetOpts()
	is := func(token string) bool {
		return token != "" && subtle.ConstantTimeCompare([]byte(opt.Password), []byte(token)) == 1
	}
	user := &server.User{Username: opt.Username, Account: d.team}
	switch {
	case is(d.service) && opt.Username == serviceUser:
	case is(d.service) && opt.Username == serviceUser+".events":
		user.Account = d.system
	case is(d.agent) && strings.HasPrefix(opt.Username, roleAgent):
		key := strings.TrimPrefix(opt.Username, roleAgent)
		if _, err := ParseKey(key); err != nil {
			return false
		}
		user.Permissions = agentMay(key)
	case is(d.boss) && strings.HasPrefix(opt.Username, roleBoss):
		name := strings.TrimPrefix(opt.Username, roleBoss)
		if !isToken(name) {
			return false
		}
		user.Permissions = bossMay(name)
	default:
		return false
	}
	c.RegisterUser(user)
	return true
}

// agentMay is what an agent's connection may do: write its own key, tell about its team's calls, add to the audit under its
// own name, and read the orders for it.
func agentMay(key string) *server.Permissions {
	_, rest, _ := strings.Cut(key, ".")
	team, _, _ := strings.Cut(rest, ".")
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{helloSubject, kvPrefix + key, callsSubject + team, auditAgent + key}},
		Subscribe: &server.SubjectPermission{Allow: []string{cmdSubject + rest, inboxPrefix + roleAgent + key + ".>"}},
		Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: 10 * time.Second},
	}
}

// bossMay is what a supervisor's connection may do: read the bucket, ask for grants under the own name, send orders.
func bossMay(name string) *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			helloSubject, grantSubject + name, cmdSubject + "*.*",
			"$JS.API.STREAM.INFO." + streamOfKV, "$JS.API.CONSUMER.CREATE." + streamOfKV, "$JS.API.CONSUMER.CREATE." + streamOfKV + ".>",
			"$JS.API.CONSUMER.INFO." + streamOfKV + ".>", "$JS.API.CONSUMER.DELETE." + streamOfKV + ".>", "$JS.FC." + streamOfKV + ".>",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{inboxPrefix + roleBoss + name + ".>"}},
	}
}

// logger gives the server's words to slog.
type logger struct{ log *slog.Logger }

func (l logger) Noticef(format string, v ...any) { l.log.Debug("hub: " + fmt.Sprintf(format, v...)) }
func (l logger) Warnf(format string, v ...any)   { l.log.Warn("hub: " + fmt.Sprintf(format, v...)) }
func (l logger) Fatalf(format string, v ...any)  { l.log.Error("hub: " + fmt.Sprintf(format, v...)) }
func (l logger) Errorf(format string, v ...any)  { l.log.Error("hub: " + fmt.Sprintf(format, v...)) }
func (l logger) Debugf(string, ...any)           {}
func (l logger) Tracef(string, ...any)           {}
