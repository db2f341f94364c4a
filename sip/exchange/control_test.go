package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/media/wav"
	"offhook/sip"
)

// controlled is an exchange with its control endpoint.
func controlled(t *testing.T) (w *world, c Control, file string) {
	t.Helper()
	w, file = newWorld(t, Options{Still: true}), filepath.Join(t.TempDir(), "exchange.json")
	if _, err := w.ServeControl(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	c, err := ReadControl(file)
	if err != nil {
		t.Fatal(err)
	}
	return w, c, file
}

func TestACallIsPlacedThroughTheControlFile(t *testing.T) {
	t.Parallel()
	w, c, file := controlled(t)
	if c.Version != 1 || c.SIP != w.Addr().String() {
		t.Errorf("the file says %+v", c)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", fi.Mode(), err)
	}
	p := registered(w, "2101", 0)
	sound := filepath.Join(t.TempDir(), "talk.wav")
	f, err := wav.Create(sound, 16000)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Write(note(620, 20)), f.Close()); err != nil {
		t.Fatal(err)
	}
	talk, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), CallRequest{From: "07814256404", Name: "Fred", To: "2101", Talk: talk}); err != nil {
		t.Fatal(err)
	}
	in := p.answers()
	if err := c.Refer(t.Context(), ReferRequest{Extension: "2102", To: Echo}); err == nil || err.Error() != "extension 2102 talks to nobody" {
		t.Errorf("%v", err)
	}
	if in.Remote.Number.String() != "07814256404" || in.Remote.Name.String() != "Fred" {
		t.Errorf("came as %+v", in.Remote)
	}
	p.hears("the file", 620)
	w.HangUp("2101")
	next[sip.CallEnded](p)
	if err := c.Call(t.Context(), CallRequest{To: "2101", CancelAfterMS: 1}); err != nil {
		t.Fatal(err)
	}
	if e := next[sip.CallEnded](p); e.Cause != sip.EndCancelled {
		t.Errorf("cancelled: %+v", e)
	}
}

func TestRequestsThatCannotBeServedAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	w, c, _ := controlled(t)
	wrong := c
	wrong.Token = "guess"
	for name, try := range map[string]struct {
		c    Control
		r    CallRequest
		want string
	}{
		"a wrong token":     {wrong, CallRequest{To: "2101"}, "wrong token"},
		"nobody there":      {c, CallRequest{To: "2101"}, "extension 2101 is not registered: nobody can be called there"},
		"no extension":      {c, CallRequest{}, "extension  is not registered: nobody can be called there"},
		"no sound file":     {c, CallRequest{To: "2101", Talk: []byte("RIFF....")}, "the WAV file cannot be played: not a usable WAV file: too short"},
		"a negative time":   {c, CallRequest{To: "2101", CancelAfterMS: -1}, "a time cannot be negative"},
		"two lines":         {c, CallRequest{To: "2101", From: "1\r\n2"}, ErrBadCaller.Error()},
		"too large to send": {c, CallRequest{To: "2101", Talk: make([]byte, maxRequest)}, "the request is larger than 32 MB; give a shorter WAV file"},
	} {
		if err := try.c.Call(t.Context(), try.r); err == nil || err.Error() != try.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, try := range map[string]struct {
		token, method, path string
		body                io.Reader
		want                int
	}{
		"no token":      {"", "POST", "/call", strings.NewReader("{}"), 403},
		"not JSON":      {c.Token, "POST", "/call", strings.NewReader("To: 2101"), 400},
		"wrong method":  {c.Token, "GET", "/call", nil, 405},
		"nothing there": {c.Token, "POST", "/", nil, 404},
		"too large":     {c.Token, "POST", "/call", io.MultiReader(strings.NewReader(`{"talk":"`), bytes.NewReader(bytes.Repeat([]byte("A"), maxRequest))), 413},
	} {
		req, res := httptest.NewRequest(try.method, try.path, try.body), httptest.NewRecorder()
		req.Header.Set("Authorization", "Bearer "+try.token)
		w.control(c.Token).ServeHTTP(res, req)
		if res.Code != try.want {
			t.Errorf("%s: %d, want %d", name, res.Code, try.want)
		}
	}
}

// limited is a connection whose deadlines are looked at.
type limited struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (l *limited) SetReadDeadline(t time.Time) error  { l.read = t; return nil }
func (l *limited) SetWriteDeadline(t time.Time) error { l.write = t; return nil }

// slow is a body each byte of which comes after a pause.
type slow struct {
	io.Reader
	pause time.Duration
	late  func() bool // the connection's limit is over
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	if s.late() {
		return 0, os.ErrDeadlineExceeded
	}
	return s.Reader.Read(p[:1])
}

func TestARequestMayComeSlowlyButMustNotStandStill(t *testing.T) {
	for name, try := range map[string]struct {
		pause time.Duration
		want  string
	}{
		"a minute for a short request": {maxSilence - time.Second, "cannot be negative"},
		"silence":                      {maxSilence + time.Second, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				res := &limited{httptest.NewRecorder(), began.Add(maxSilence), began.Add(maxSilence + maxAnswer)}
				req := httptest.NewRequest("POST", "/call", slow{strings.NewReader(`{"hang_up_after_ms":-1}`), try.pause, func() bool { return time.Now().After(res.read) }})
				req.Header.Set("Authorization", "Bearer x")
				(&Server{}).control("x").ServeHTTP(res, req)
				if !strings.Contains(res.Body.String(), try.want) {
					t.Errorf("answered %q", res.Body)
				}
				if !time.Now().Before(res.write) {
					t.Error("there is no time left for the answer")
				}
			})
		})
	}
}

func TestTheControlFileIsGoneAfterTheExchangeUnlessANewerOneHasIt(t *testing.T) {
	t.Parallel()
	w, c, file := controlled(t)
	newer := newWorld(t, Options{})
	if _, err := newer.ServeControl(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	w.close()
	if err := c.Call(t.Context(), CallRequest{To: "2101"}); !errors.Is(err, ErrNoExchange) {
		t.Errorf("the old one: %v", err)
	}
	if have, err := ReadControl(file); err != nil || have.SIP != newer.Addr().String() {
		t.Errorf("the newer one: %+v %v", have, err)
	}
	newer.close()
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 0 {
		t.Errorf("left over: %v %v", entries, err)
	}
	if _, err := newer.ServeControl(t.Context(), file); !errors.Is(err, ErrClosed) {
		t.Errorf("control of a closed exchange: %v", err)
	}
	if err := newer.Place(Call{To: "2101"}); !errors.Is(err, ErrClosed) {
		t.Errorf("a call from a closed exchange: %v", err)
	}
}

func TestTheControlEndpointEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w, file := newWorld(t, Options{}), filepath.Join(t.TempDir(), "exchange.json")
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := w.ServeControl(ctx, file); err != nil {
		t.Fatal(err)
	}
	cancel()
	w.jobs.Wait()
	if _, err := ReadControl(file); !errors.Is(err, ErrNoExchange) {
		t.Errorf("after its end: %v", err)
	}
}

func TestAControlFileThatIsNotOursIsNotBelieved(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "exchange.json")
	whole, err := json.Marshal(Control{Version: 1, URL: "http://127.0.0.1:1", Token: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		content string
		mode    os.FileMode
		ok      bool
	}{
		"whole":             {string(whole), 0o600, true},
		"readable by all":   {string(whole), 0o644, false},
		"readable by some":  {string(whole), 0o640, false},
		"half":              {string(whole[:20]), 0o600, false},
		"empty":             {"", 0o600, false},
		"of something else": {"{}", 0o600, false},
	} {
		os.Remove(file)
		if err := os.WriteFile(file, []byte(try.content), try.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, try.mode); err != nil {
			t.Fatal(err)
		}
		c, err := ReadControl(file)
		if try.ok != (err == nil) || !try.ok && !errors.Is(err, ErrNoExchange) {
			t.Errorf("%s: %v", name, err)
		}
		if try.ok {
			if err := c.Call(t.Context(), CallRequest{}); !errors.Is(err, ErrNoExchange) {
				t.Errorf("nobody listens at port 1: %v", err)
			}
		}
	}
	os.Remove(file)
	if _, err := ReadControl(file); !errors.Is(err, ErrNoExchange) {
		t.Errorf("no file: %v", err)
	}
}
