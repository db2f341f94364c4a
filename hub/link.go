package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"offhook/desk"
)

// Config says how to reach the hub and as whom. Site, Team and Agent name the desk; for a board they say which site and team
// to watch (empty: all) and who the supervisor is.
type Config struct {
	URL       string // nats://host:port, or tls://host:port
	Token     string // of the role
	Site      string
	Team      string
	Agent     string
	Heartbeat time.Duration          // 0: the package's Heartbeat
	TLS       *tls.Config            // nil: the system's roots for tls:// URLs
	OnLink    func(desk.LinkChanged) // told of every change of the link, one at a time; nil: nobody
	Policy    func(Grant) error      // the desk's word on a verified grant; nil: no objection
	Logger    *slog.Logger           // nil: silent
}

// link is a connection that never gives up. Its run loop belongs to an Agent or a Board.
type link struct {
	cfg  Config
	user string
	log  *slog.Logger
	wake chan struct{} // something about the connection has changed

	mu      sync.Mutex
	nc      *nats.Conn
	epoch   int   // counts connections
	err     error // why there is none, or what the hub refused
	refused error // a permission that the hub did not give, on this connection
}

func newLink(cfg Config, user string) *link {
	l := &link{cfg: cfg, user: user, log: cfg.Logger, wake: make(chan struct{}, 1)}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	return l
}

func (l *link) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// dial opens the connection; it blocks while the first attempt is under way, at most some seconds, and then goes on trying
// by itself. Only a URL that is none is an error.
func (l *link) dial(ctx context.Context) error {
	failed := func(_ *nats.Conn, err error) { l.set(func() { l.err = err }) }
	up := func(nc *nats.Conn) {
		l.set(func() { l.nc, l.err, l.refused = nc, nil, nil; l.epoch++ })
	}
	opts := []nats.Option{
		nats.Name("offhook " + l.user), nats.UserInfo(l.user, l.cfg.Token), nats.CustomInboxPrefix(inboxPrefix + l.user),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.CustomReconnectDelay(backoff),
		nats.ReconnectBufSize(-1), // a state of some minutes ago is worth nothing
		nats.Timeout(requestLimit), nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(requestLimit),
		nats.SetCustomDialer(dialer{ctx}), nats.PermissionErrOnSubscribe(true), nats.NoCallbacksAfterClientClose(),
		nats.ConnectHandler(up), nats.ReconnectHandler(up),
		nats.DisconnectErrHandler(failed), nats.ReconnectErrHandler(failed),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.log.Warn("hub", "error", err)
			if errors.Is(err, nats.ErrPermissionViolation) { // the request itself only times out
				l.set(func() { l.refused = err })
			}
		}),
	}
	if l.cfg.TLS != nil {
		opts = append(opts, nats.Secure(l.cfg.TLS))
	}
	nc, err := nats.Connect(l.cfg.URL, opts...)
	if err != nil {
		return fmt.Errorf("hub.url %q cannot be used: %w", l.cfg.URL, err)
	}
	l.set(func() {
		if l.nc = nc; !nc.IsConnected() && l.err == nil {
			l.err = nc.LastError()
		}
	})
	return nil
}

func (l *link) set(change func()) {
	l.mu.Lock()
	change()
	l.mu.Unlock()
	l.poke()
}

// state is the connection, how many there were, and why there is none.
func (l *link) state() (nc *nats.Conn, epoch int, up bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	up = l.nc != nil && l.nc.IsConnected() && l.epoch > 0
	if err = l.err; up {
		err = l.refused
	}
	return l.nc, l.epoch, up, err
}

// greet asks the hub for its clock and public key. ahead is how far the hub's clock is ahead of ours.
func (l *link) greet(nc *nats.Conn) (key ed25519.PublicKey, ahead time.Duration, err error) {
	asked := time.Now()
	m, err := nc.Request(helloSubject, nil, requestLimit)
	if err != nil {
		return nil, 0, err
	}
	took := time.Since(asked)
	var h hello
	if len(m.Data) > bodyLimit || json.Unmarshal(m.Data, &h) != nil || h.V != 1 || len(h.Key) != ed25519.PublicKeySize {
		return nil, 0, errors.New("the hub's greeting cannot be read; it is of another version")
	}
	return h.Key, time.UnixMilli(h.Now).Sub(asked.Add(took / 2)), nil
}

// trouble is why the link is down, in words, and how bad that is. The desk works without it, so most of it is a warning.
func trouble(err error) (desk.Health, string) {
	switch {
	case err == nil, errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrStaleConnection):
		return desk.HealthWarn, "not reachable; calls go on, the board does not see you"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return desk.HealthDown, "refuses the token: check hub.token_file"
	case errors.Is(err, nats.ErrPermissionViolation):
		return desk.HealthDown, "does not let this desk report: check hub.site, hub.team and hub.agent"
	case errors.Is(err, nats.ErrNoResponders):
		return desk.HealthWarn, "is starting"
	case strings.Contains(err.Error(), "Authorization Violation"):
		return desk.HealthDown, "refuses the token: check hub.token_file"
	}
	return desk.HealthWarn, "not reachable; calls go on, the board does not see you"
}

// backoff is how long to wait before the next attempt: soon at first, and never all desks at once.
func backoff(attempts int) time.Duration {
	d := min(250*time.Millisecond<<min(attempts, 5), 5*time.Second)
	return d/2 + rand.N(d/2)
}

// dialer ends an attempt when the link is closed.
type dialer struct{ ctx context.Context }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	nd := net.Dialer{Timeout: requestLimit, KeepAlive: 15 * time.Second}
	return nd.DialContext(d.ctx, network, address)
}
