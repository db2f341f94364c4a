package salesforce

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Login is one interactive sign-in: authorization code with PKCE on a loopback redirect. Show URL, then Wait; over SSH
// the person pastes the redirect address (or only the code) into Paste. Close ends the listener.
type Login struct {
	app      App
	url      string
	redirect string
	state    string
	verifier string
	result   chan codeResult
	servers  []*http.Server
	wg       sync.WaitGroup
	once     sync.Once
}

type codeResult struct {
	code string
	err  error
}

// ErrPaste says that what was pasted holds no code of this sign-in; ErrOtherTry, which is one, that it holds one of another.
var (
	ErrPaste    = errors.New("that is not the address the browser ended on: paste the whole line starting with http://localhost, or only the code")
	ErrOtherTry = otherTry{}
)

type otherTry struct{}

func (otherTry) Error() string {
	return "that address is of another sign-in, perhaps an earlier try: open the address shown last, and paste where that one ends"
}
func (otherTry) Is(target error) bool { return target == ErrPaste }

// StartLogin opens the first free port of the list and builds the address to visit. When every port is taken it still
// works by pasting: Salesforce only compares the redirect's text.
func (a App) StartLogin(ctx context.Context) (*Login, error) {
	base, err := checkHost(a.LoginURL, a.Local)
	if err != nil {
		return nil, err
	}
	if a.ClientID == "" {
		return nil, errors.New("no client id: set [salesforce] client_id to your External Client App's consumer key")
	}
	l := &Login{app: a, state: secret(24), verifier: secret(64), result: make(chan codeResult, 1)}
	ports := a.Ports
	if len(ports) == 0 {
		ports = DefaultPorts
	}
	port := l.listen(ctx, ports)
	l.redirect = "http://localhost:" + strconv.Itoa(port) + redirectPath
	sum := sha256.Sum256([]byte(l.verifier))
	scopes := a.Scopes
	if scopes == "" {
		scopes = DefaultScopes
	}
	q := url.Values{
		"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {l.redirect}, "scope": {scopes}, "state": {l.state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if a.Prompt != "" {
		q.Set("prompt", a.Prompt)
	}
	l.url = base.String() + "/services/oauth2/authorize?" + q.Encode()
	return l, nil
}

// secret returns n random bytes, base64url.
func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand, Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b)
}

// listen serves the redirect on the first port that is free on 127.0.0.1, and on ::1 too where it exists, because
// browsers resolve localhost either way. It returns the port, or the first of the list when none is free.
func (l *Login) listen(ctx context.Context, ports []int) int {
	var lc net.ListenConfig
	for _, p := range ports {
		v4, err := lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		if err != nil {
			continue
		}
		port := v4.Addr().(*net.TCPAddr).Port
		l.serve(v4)
		if v6, err := lc.Listen(ctx, "tcp6", net.JoinHostPort("::1", strconv.Itoa(port))); err == nil {
			l.serve(v6)
		}
		return port
	}
	return ports[0]
}

func (l *Login) serve(ln net.Listener) {
	srv := &http.Server{Handler: http.HandlerFunc(l.redirected), ReadHeaderTimeout: 5 * time.Second}
	l.servers = append(l.servers, srv)
	l.wg.Go(func() { srv.Serve(ln) })
}

// redirected answers the browser. The page says nothing about the code, and holds nothing that the URL sent.
func (l *Login) redirected(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != redirectPath {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	code, err := l.read(r.URL.Query(), true)
	if err != nil && code == "" && errors.Is(err, ErrPaste) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, "<p>This is not the answer offhook waits for. Start the sign-in again.</p>")
		return
	}
	if err != nil {
		fmt.Fprint(w, "<p>Salesforce refused the sign-in. The terminal says why.</p>")
	} else {
		fmt.Fprint(w, "<p>Signed in. You can close this page and go back to offhook.</p>")
	}
	l.deliver(codeResult{code, err})
}

// read takes the code out of a redirect's parameters. The state must be ours (RFC 6749 §10.12).
func (l *Login) read(q url.Values, needState bool) (string, error) {
	if needState && subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(l.state)) != 1 {
		if q.Get("state") != "" {
			return "", ErrOtherTry
		}
		return "", ErrPaste
	}
	if e := q.Get("error"); e != "" {
		return "", &AuthError{Code: clip(e), Description: clip(q.Get("error_description")), Status: http.StatusBadRequest, Grant: GrantCode}
	}
	code := q.Get("code")
	if code == "" {
		return "", ErrPaste
	}
	return code, nil
}

func (l *Login) deliver(r codeResult) {
	select {
	case l.result <- r:
	default: // a second answer: the first one counts
	}
}

// URL is the address to visit.
func (l *Login) URL() string { return l.url }

// Listening reports whether the redirect can come here by itself; with every port taken it must be pasted.
func (l *Login) Listening() bool { return len(l.servers) > 0 }

// RedirectURI is the callback that the app must list.
func (l *Login) RedirectURI() string { return l.redirect }

// Paste accepts the address that the browser ended on, or the bare code.
func (l *Login) Paste(s string) error {
	s = strings.Trim(strings.TrimSpace(s), `"'<>`)
	if s == "" {
		return ErrPaste
	}
	if strings.Contains(s, "://") || strings.Contains(s, "code=") || strings.Contains(s, "error=") {
		_, query, found := strings.Cut(s, "?")
		if !found {
			query = s
		}
		query, _, _ = strings.Cut(query, "#")
		q, err := url.ParseQuery(query)
		if err != nil {
			return ErrPaste
		}
		// A whole address carries the state, and must carry ours; a pasted "code=…" alone was typed by the person. A refusal
		// may come without it: that the person shows it to us is enough, because it grants nothing.
		code, err := l.read(q, q.Has("state") || strings.Contains(s, "://") && !q.Has("error"))
		if errors.Is(err, ErrPaste) {
			return err
		}
		l.deliver(codeResult{code, err})
		return nil
	}
	if strings.ContainsAny(s, " \t\r\n&") || len(s) < 6 || len(s) > 2048 {
		return ErrPaste
	}
	if c, err := url.QueryUnescape(s); err == nil && strings.Contains(s, "%") {
		s = c // codes end in == and are pasted as %3D%3D
	}
	l.deliver(codeResult{code: s})
	return nil
}

// Wait waits for the redirect or the paste and exchanges the code for a token.
func (l *Login) Wait(ctx context.Context) (Token, error) {
	var r codeResult
	select {
	case r = <-l.result:
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	if r.err != nil {
		return Token{}, r.err
	}
	return l.app.grant(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {r.code}, "client_id": {l.app.ClientID},
		"redirect_uri": {l.redirect}, "code_verifier": {l.verifier},
	})
}

// Close ends the listener, after an answer under way has been written.
func (l *Login) Close() {
	l.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for _, s := range l.servers {
			if s.Shutdown(ctx) != nil {
				s.Close()
			}
		}
	})
	l.wg.Wait()
}
