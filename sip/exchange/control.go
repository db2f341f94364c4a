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
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"offhook/media/wav"
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
	From          string `json:"from"` // "" withholds the number
	To            string `json:"to"`
	Name          string `json:"name,omitempty"`
	Talk          []byte `json:"talk,omitempty"` // a WAV file
	HangUpAfterMS int    `json:"hang_up_after_ms,omitempty"`
	CancelAfterMS int    `json:"cancel_after_ms,omitempty"`
}

// maxTalk bounds what is read of a request: some minutes of speech.
const maxTalk = 32 << 20

// ErrNoExchange: nothing answers where the exchange should be.
var ErrNoExchange = errors.New("no practice exchange is running here; start offhook demo or offhook exchange")

// ControlFile is where the newest exchange of this user writes how to reach it.
func ControlFile() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "offhook-exchange.json")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("offhook-exchange-%d.json", os.Getuid()))
}

// ServeControl takes requests until ctx ends. It returns at once with the address that the file now tells.
func (s *Server) ServeControl(ctx context.Context, file string) (Control, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Control{}, fmt.Errorf("the exchange's control port: %w", err)
	}
	c := Control{Version: 1, URL: "http://" + l.Addr().String(), Token: rand.Text(), SIP: s.addr.String()}
	srv := &http.Server{Handler: s.control(c.Token), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }()
	context.AfterFunc(ctx, func() {
		_ = srv.Close()
		if have, err := ReadControl(file); err == nil && have.URL == c.URL {
			_ = os.Remove(file) // unless a newer exchange has taken the place
		}
	})
	if file == "" {
		return c, nil
	}
	b, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	_ = os.Remove(file) // a stranger's file is never written into
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return c, fmt.Errorf("the exchange's control file: %w", err)
	}
	_, err = f.Write(b)
	return c, errors.Join(err, f.Close())
}

func (s *Server) control(token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /call", func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			http.Error(w, "wrong token", http.StatusForbidden)
			return
		}
		var req CallRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTalk)).Decode(&req); err != nil {
			http.Error(w, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
			return
		}
		call := Call{
			From: req.From, To: req.To, Name: req.Name,
			HangUpAfter: time.Duration(req.HangUpAfterMS) * time.Millisecond, CancelAfter: time.Duration(req.CancelAfterMS) * time.Millisecond,
		}
		if len(req.Talk) > 0 {
			pcm, err := wav.Decode(bytes.NewReader(req.Talk))
			if err != nil {
				http.Error(w, "the WAV file cannot be played: "+err.Error(), http.StatusBadRequest)
				return
			}
			call.Talk = pcm
		}
		if err := s.Place(call); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// ReadControl reads how to reach the running exchange.
func ReadControl(file string) (Control, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Control{}, ErrNoExchange
	}
	var c Control
	if err := json.Unmarshal(b, &c); err != nil || c.URL == "" {
		return Control{}, fmt.Errorf("%s is damaged: %w", file, ErrNoExchange)
	}
	return c, nil
}

// Call asks a running exchange for a customer's call.
func (c Control) Call(ctx context.Context, r CallRequest) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/call", bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ErrNoExchange
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusAccepted {
		return nil
	}
	why, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	return errors.New(strings.TrimSpace(string(why)))
}
