package exchange

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"offhook/media/wav"
	"offhook/sip/transaction"
)

// Control is where a running exchange can be asked to place calls: loopback only, with a token. Its JSON stands in a file that
// only its owner can read, so that "offhook exchange call" finds it.
type Control struct {
	Version int    `json:"version"` // 1
	URL     string `json:"url"`
	Token   string `json:"token"`
	SIP     string `json:"sip"` // host:port
}

// CallRequest asks for a customer's call; durations are in milliseconds.
type CallRequest struct {
	From          string            `json:"from"` // "" withholds the number
	To            string            `json:"to"`
	Name          string            `json:"name,omitempty"`
	Talk          []byte            `json:"talk,omitempty"` // a WAV file
	HangUpAfterMS int               `json:"hang_up_after_ms,omitempty"`
	CancelAfterMS int               `json:"cancel_after_ms,omitempty"`
	Replaces      bool              `json:"replaces,omitempty"`       // takes the place of the extension's newest answered call
	LeavesMessage bool              `json:"leaves_message,omitempty"` // when nobody answers
	Headers       map[string]string `json:"headers,omitempty"`        // further headers of the INVITE
}

// ReferRequest asks the person who an extension talks to to send it to another number.
type ReferRequest struct {
	Extension string `json:"extension"`
	To        string `json:"to"`
}

// maxRequest bounds what is read of a request: some minutes of speech.
const maxRequest = 32 << 20

const (
	maxSilence = 10 * time.Second // in the middle of a request
	maxAnswer  = 5 * time.Second
)

// ErrNoExchange: nothing answers where the exchange should be.
var ErrNoExchange = errors.New("no practice exchange is running here; start offhook demo or offhook exchange")

// ControlFile is where the newest exchange of this user writes how to reach it.
func ControlFile() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "offhook-exchange.json")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("offhook-exchange-%d.json", os.Getuid()))
}

// ServeControl takes requests until ctx ends or the exchange is closed; Close waits until the file is gone again. It returns at
// once with the address that the file tells; file "" writes none.
func (s *Server) ServeControl(ctx context.Context, file string) (Control, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Control{}, fmt.Errorf("the exchange's control port: %w", err)
	}
	c := Control{Version: 1, URL: "http://" + l.Addr().String(), Token: rand.Text(), SIP: s.addr.String()}
	if file != "" {
		if err := c.write(file); err != nil {
			return Control{}, errors.Join(fmt.Errorf("the exchange's control file: %w", err), l.Close())
		}
	}
	srv := &http.Server{
		Handler: s.control(c.Token), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: maxSilence, WriteTimeout: maxSilence + maxAnswer,
	}
	stop := func() {
		_ = srv.Close()
		_ = l.Close() // when Serve has not got so far
		if have, err := ReadControl(file); err == nil && have.URL == c.URL {
			_ = os.Remove(file) // unless a newer exchange has taken the place
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		stop()
		return Control{}, ErrClosed
	}
	s.jobs.Go(func() { _ = srv.Serve(l) }) // always an error: that it was closed
	s.jobs.Go(func() {
		defer stop()
		select {
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
	})
	return c, nil
}

// write puts the file in place in one step. A new file that is renamed never follows or fills what somebody else put there.
func (c Control) write(file string) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (s *Server) control(token string) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
				http.Error(w, "wrong token", http.StatusForbidden)
				return
			}
			f(w, r)
		})
	}
	handle("POST /refer", func(w http.ResponseWriter, r *http.Request) {
		var req ReferRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&req); err != nil {
			http.Error(w, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
			return
		}
		if !s.SendAway(req.Extension, req.To) {
			http.Error(w, "extension "+req.Extension+" talks to nobody", http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	handle("POST /call", func(w http.ResponseWriter, r *http.Request) {
		call, status, err := ReadCall(http.MaxBytesReader(w, steady{r.Body, http.NewResponseController(w)}, maxRequest))
		if err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		if err := s.Place(call); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// steady is a body that may take as long as it comes: a WAV file from a busy machine. Silence ends it, for the server's limits, which are
// those of a whole request, begin anew with each piece.
type steady struct {
	io.ReadCloser
	limits *http.ResponseController
}

func (b steady) Read(p []byte) (int, error) {
	now := time.Now() // a connection without deadlines has no limits to move
	_ = b.limits.SetReadDeadline(now.Add(maxSilence))
	_ = b.limits.SetWriteDeadline(now.Add(maxSilence + maxAnswer))
	return b.ReadCloser.Read(p)
}

// ReadCall reads a CallRequest; the HTTP status belongs to the error.
func ReadCall(body io.Reader) (Call, int, error) {
	var req CallRequest
	if err := json.NewDecoder(body).Decode(&req); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return Call{}, http.StatusRequestEntityTooLarge, fmt.Errorf("the request is larger than %d MB", maxRequest>>20)
		}
		return Call{}, http.StatusBadRequest, fmt.Errorf("the request cannot be read: %w", err)
	}
	if req.HangUpAfterMS < 0 || req.CancelAfterMS < 0 {
		return Call{}, http.StatusBadRequest, errors.New("a time cannot be negative")
	}
	call := Call{
		From: req.From, To: req.To, Name: req.Name,
		Replaces: req.Replaces, LeavesMessage: req.LeavesMessage,
		HangUpAfter: time.Duration(req.HangUpAfterMS) * time.Millisecond, CancelAfter: time.Duration(req.CancelAfterMS) * time.Millisecond,
	}
	for _, name := range slices.Sorted(maps.Keys(req.Headers)) {
		call.Headers = append(call.Headers, transaction.Header{Name: name, Value: req.Headers[name]})
	}
	if len(req.Talk) > 0 {
		pcm, err := wav.Decode(bytes.NewReader(req.Talk))
		if err != nil {
			return Call{}, http.StatusBadRequest, fmt.Errorf("the WAV file cannot be played: %w", err)
		}
		call.Talk = pcm
	}
	return call, 0, nil
}

// ReadControl reads how to reach the running exchange. The error wraps ErrNoExchange when there is none, or none of ours.
func ReadControl(file string) (Control, error) {
	f, err := os.Open(file)
	if err != nil {
		return Control{}, ErrNoExchange
	}
	defer f.Close()
	// In a folder that everybody may write to, a file that others can read may be somebody else's bait for what we would tell it.
	if fi, err := f.Stat(); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm()&0o077 != 0 {
		return Control{}, fmt.Errorf("%s can be read by others, so it is not believed: %w", file, ErrNoExchange)
	}
	var c Control
	if err := json.NewDecoder(io.LimitReader(f, 1<<16)).Decode(&c); err != nil || c.URL == "" {
		return Control{}, fmt.Errorf("%s is damaged: %w", file, ErrNoExchange)
	}
	return c, nil
}

// Call asks a running exchange for a customer's call. The error wraps ErrNoExchange when nothing answers.
func (c Control) Call(ctx context.Context, r CallRequest) error { return c.post(ctx, "/call", r) }

// Refer makes a person send the extension that he talks to to another number. The error wraps ErrNoExchange when nothing answers.
func (c Control) Refer(ctx context.Context, r ReferRequest) error { return c.post(ctx, "/refer", r) }

func (c Control) post(ctx context.Context, path string, r any) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(b) > maxRequest {
		return fmt.Errorf("the request is larger than %d MB; give a shorter WAV file", maxRequest>>20)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("the exchange's address: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // never through a proxy: it is on this machine
	res, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" && ctx.Err() == nil {
			return ErrNoExchange // its file was left behind
		}
		return fmt.Errorf("asking the exchange: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusAccepted {
		return nil
	}
	why, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	return errors.New(strings.TrimSpace(string(why)))
}
