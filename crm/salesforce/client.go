package salesforce

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Options make a Client. Only App and Store are needed.
type Options struct {
	App       App
	Store     TokenStore
	JWT       *JWT          // sign in again by key when there is no refresh token
	AsApp     bool          // sign in by client credentials: the app's Run As user, who is not the agent
	Agent     string        // with AsApp: the username of the agent whom the records belong to
	Version   string        // "66.0" pins the API version; "" takes the newest the org offers
	UserAgent string        // "" for "offhook"
	Timeout   time.Duration // of one request without an earlier deadline; 0 for 30 s
	Tries     int           // of a repeatable request; 0 for 3
	Log       *slog.Logger  // nil for none; never sees tokens, bodies or query text
	CacheDir  string        // folder for what objects look like, kept between runs; "" for none
	Anew      bool          // what is kept there is replaced and not used: for who examines an org that has just been changed
	Moved     func()        // called when another process signed in as somebody else or signed out, or when the sign-in ended; must not block
	// Sleep, Rand replace waiting and jitter in tests.
	Sleep func(ctx context.Context, d time.Duration) error
	Rand  func() float64
}

// Client talks to one org as one user. It is safe for use from many goroutines. Close it to wait for a token renewal
// that may be under way.
type Client struct {
	o       Options
	session *session
	http    *http.Client
	budget  atomic.Pointer[Budget]

	versionGate chan struct{} // one negotiation at a time
	version     atomic.Pointer[string]

	describes cache[Describe]
	compacts  cache[CompactLayout]
	layouts   cache[Pages]
	disk      disk
	user      atomic.Pointer[UserInfo]
	agent     atomic.Pointer[UserInfo]
}

// New makes a client. It sends nothing; the first request loads the token and negotiates the version.
func New(o Options) (*Client, error) {
	if _, err := checkHost(o.App.LoginURL, o.App.Local); err != nil {
		return nil, err
	}
	if o.Store == nil {
		o.Store = NewMemoryStore(Token{})
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Tries <= 0 {
		o.Tries = 3
	}
	if o.UserAgent == "" {
		o.UserAgent = "offhook"
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.App.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 8 // a lookup, a card and a Task at the same time
		t.IdleConnTimeout = 90 * time.Second
		o.App.Transport = t
	}
	c := &Client{
		o: o, http: httpClient(o.App.Transport), versionGate: make(chan struct{}, 1),
		session: &session{app: o.App, store: o.Store, log: o.Log}, disk: disk{dir: o.CacheDir, now: o.App.now, anew: o.Anew},
	}
	switch {
	case o.JWT != nil:
		c.session.mint = func(ctx context.Context) (Token, error) { return o.App.SignInJWT(ctx, *o.JWT) }
	case o.AsApp:
		c.session.mint = o.App.SignInClient
	}
	c.session.moved = func(gone bool) {
		if !gone {
			c.forgetOrg()
		}
		if o.Moved != nil {
			o.Moved()
		}
	}
	return c, nil
}

// Close waits for work that outlives its request (a token renewal) and closes idle connections.
func (c *Client) Close() {
	c.session.wg.Wait()
	c.http.CloseIdleConnections()
}

// SignedIn replaces the token after a new sign-in; requests that wait for one go on. It also forgets what belonged to
// the former user.
func (c *Client) SignedIn(ctx context.Context, t Token) error {
	if _, err := checkHost(t.Instance, c.o.App.Local); err != nil {
		return err
	}
	c.forgetOrg()
	return c.session.replace(ctx, t)
}

// forgetOrg drops everything that belonged to the former user and org.
func (c *Client) forgetOrg() {
	c.user.Store(nil)
	c.agent.Store(nil)
	c.version.Store(nil)
	c.budget.Store(nil)
	c.describes.clear()
	c.compacts.clear()
	c.layouts.clear()
}

// AskAgain has the sign-in server asked again although it refused a moment ago: a person wants it tried now.
func (c *Client) AskAgain() { c.session.askAgain() }

// SignOut revokes the sign-in at Salesforce and forgets it here. The token is forgotten even when Salesforce cannot be
// reached; the error then says that it is still valid there.
func (c *Client) SignOut(ctx context.Context) error {
	t, err := c.o.Store.Load(ctx) // also one of another login_url: it is revoked where it was made
	if mem := c.session.peek(); err != nil && !mem.Zero() {
		t, err = mem, nil
	}
	switch {
	case err != nil:
		return err
	case t.Zero():
		return ErrNoToken
	}
	revoked := c.o.App.Revoke(ctx, t)
	if err := c.session.forget(ctx); err != nil {
		return err
	}
	return revoked
}

// Budget returns the org's API use as the last reply told it.
func (c *Client) Budget() Budget {
	if b := c.budget.Load(); b != nil {
		return *b
	}
	return Budget{}
}

// InstanceURL returns the org's address, or "" before the first sign-in.
func (c *Client) InstanceURL() string { return c.session.instance() }

// UserID returns the signed-in user's id from the token, or "".
func (c *Client) UserID() string { return c.session.peek().UserID() }

// RecordURL returns the address of a record in the browser, or "" before the first sign-in.
func (c *Client) RecordURL(object Ident, id string) string {
	base := c.InstanceURL()
	if base == "" || !ValidID(id) || object.check() != nil {
		return ""
	}
	return base + "/lightning/r/" + url.PathEscape(string(object)) + "/" + id + "/view"
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
