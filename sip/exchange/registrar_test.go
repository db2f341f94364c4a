package exchange

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/sip"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

func TestPhonesRegisterOverUDPAndTCPWithEitherAlgorithm(t *testing.T) {
	t.Parallel()
	for _, algorithms := range [][]transaction.Algorithm{nil, {transaction.MD5}, {transaction.SHA256}, {transaction.MD5, transaction.SHA256}} {
		w := newWorld(t, Options{Algorithms: algorithms})
		for _, network := range []string{"udp", "tcp"} {
			p := registered(w, "2101", 0, func(c *sip.Config) { c.Transport = network })
			if e := w.told(EventRegistered); e.Extension != "2101" || !w.Registered("2101") {
				t.Errorf("%v over %s: told %+v", algorithms, network, e)
			}
			p.leaves()
			w.told(EventUnregistered)
			if w.Registered("2101") {
				t.Errorf("%v over %s: registered after the phone was closed", algorithms, network)
			}
		}
	}
}

func TestTheFirstChallengeIsTheOneThatTheUserPrefers(t *testing.T) {
	t.Parallel()
	users := DefaultUsers()
	users[1].Algorithms = []transaction.Algorithm{transaction.MD5}
	w := newWorld(t, Options{Users: users})
	for ext, want := range map[string]string{"2101": "SHA-256 MD5", "2102": "MD5", "nobody": "SHA-256 MD5"} {
		c := newClient(w, ext, "udp")
		c.digest = transaction.NewDigest() // answers nothing
		res := c.sends(c.registration("300", c.contact()))
		var got []string
		for _, h := range res.Headers {
			if strings.EqualFold(h.Name, "WWW-Authenticate") {
				_, v, _ := strings.Cut(h.Value, "algorithm=")
				v, _, _ = strings.Cut(v, ",")
				got = append(got, v)
			}
		}
		if res.Status != 401 || strings.Join(got, " ") != want {
			t.Errorf("%s: %d %v, want %s", ext, res.Status, got, want)
		}
	}
	c := newClient(w, "2102", "udp")
	c.register()
}

func TestAWrongPasswordIsRefusedAndNobodyIsRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	p := newPhone(w, "2101", 0, func(c *sip.Config) {
		c.Password = func(context.Context) (string, error) { return "practice2102", nil }
	})
	for {
		if e := next[sip.RegistrationChanged](p); e.State == sip.RegFailed {
			if e.Code != 401 || w.Registered("2101") {
				t.Errorf("told %+v", e)
			}
			return
		}
	}
}

func TestARegistrationThatIsTooShortGetsTheShortestThatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	p := newPhone(w, "2101", 0, func(c *sip.Config) { c.Expires = 10 * time.Second })
	for {
		if e := next[sip.RegistrationChanged](p); e.State == sip.Registered {
			if e.Expires != minExpires {
				t.Errorf("granted %v", e.Expires)
			}
			return
		}
	}
}

func TestAPhoneTakesOnlyItsOwnContactOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	first := registered(w, "2101", 0)
	second := newPhone(w, "2101", 0)
	for {
		if e := next[sip.RegistrationChanged](second); e.State == sip.Registered {
			if e.Others != 1 {
				t.Errorf("the second phone sees %d others", e.Others)
			}
			break
		}
	}
	second.leaves()
	w.on(func() {
		list := w.reachable("2101")
		if len(list) != 1 || list[0].contact.URI.Port != int(first.LocalAddr().Port()) {
			t.Errorf("left over: %v", list)
		}
	})
}

func TestTheRegistrarKeepsTheRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := newClient(w, "2101", "udp")
	const a, b = "<sip:a@127.0.0.1:9>", "<sip:b@127.0.0.1:9>"
	var nine []string
	for i := range 9 {
		nine = append(nine, fmt.Sprintf("<sip:%d@127.0.0.1:9>", i))
	}
	for _, step := range []struct {
		name     string
		expires  string
		contacts []string
		change   func(*transaction.Request)
		status   int
		header   string // that the response has
		list     string // contacts afterwards, with their lifetimes
	}{
		{"nothing asked, nothing there", "", nil, nil, 200, "Date", ""},
		{"one contact, the default lifetime", "", []string{a}, nil, 200, "", "a 300"},
		{"its own lifetime before the header's", "100", []string{b + ";expires=200"}, nil, 200, "", "a 300 b 200"},
		{"more than there is", "999999", []string{b}, nil, 200, "", "a 300 b 3600"},
		{"a lifetime that nobody can read is an hour", "soon", []string{b}, nil, 200, "", "a 300 b 3600"},
		{"too short", "59", []string{a}, nil, 423, "Min-Expires", "a 300 b 3600"},
		{"all or nothing", "", []string{a + ";expires=0", b + ";expires=7"}, nil, 423, "", "a 300 b 3600"},
		{"out of order", "0", []string{a}, func(r *transaction.Request) { r.CSeq = 1 }, 500, "", "a 300 b 3600"},
		{"everything, but for later", "60", []string{"*"}, nil, 400, "", "a 300 b 3600"},
		{"everything and something", "0", []string{"*", a}, nil, 400, "", "a 300 b 3600"},
		{"a number that is no place", "", []string{"<tel:123>"}, nil, 400, "", "a 300 b 3600"},
		{"too many", "", nine, nil, 403, "", "a 300 b 3600"},
		{"somebody else's extension", "", []string{a}, func(r *transaction.Request) { r.To.URI.User = "2102" }, 403, "", "a 300 b 3600"},
		{"an extension that nobody has", "", []string{a}, func(r *transaction.Request) { r.Headers.Add("Require", "outbound") }, 420, "Unsupported", "a 300 b 3600"},
		{"one off", "", []string{a + ";expires=0"}, nil, 200, "", "b 3600"},
		{"one off that is not there", "0", []string{a}, nil, 200, "", "b 3600"},
		{"everything off", "0", []string{"*"}, nil, 200, "", ""},
	} {
		req := c.registration(step.expires, step.contacts...)
		if step.change != nil {
			step.change(req)
		}
		if step.name == "out of order" { // with credentials at once, so that the number stays
			c.digest.Prepare(req)
		}
		res := c.sends(req)
		if res.Status != step.status || step.header != "" && res.Headers.Get(step.header) == "" {
			t.Errorf("%s: %d %v", step.name, res.Status, res.Headers)
		}
		var list []string
		for _, x := range c.sends(c.registration("")).Contact {
			v, _ := x.Params.Get("expires")
			secs, err := strconv.Atoi(v)
			if err != nil {
				t.Error(err)
			}
			list = append(list, x.URI.User, strconv.Itoa((secs+60)/100*100)) // some seconds may have passed
		}
		if got := strings.Join(list, " "); got != step.list {
			t.Errorf("%s: the list is %q, want %q", step.name, got, step.list)
		}
	}
}

func TestABindingThatRunsOutIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	newClient(w, "2101", "udp").register()
	w.told(EventRegistered)
	w.on(func() {
		w.bindings["2101"][0].expires = time.Now().Add(time.Millisecond) // as if its five minutes were over
		w.presence("2101")
	})
	w.told(EventUnregistered)
	var missing *NotRegisteredError
	if err := w.Place(Call{From: "1", To: "2101"}); !errors.As(err, &missing) || missing.Extension != "2101" {
		t.Errorf("a call there: %v", err)
	}
}

func TestAPhoneWhoseConnectionBreaksCannotBeCalledAndLosesItsCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	c := newClient(w, "2101", "tcp")
	c.register()
	w.told(EventRegistered)
	c.invites(Echo)
	gets[dialog.Answered](c)
	w.told(EventAnswered)
	c.flow.Close()
	w.told(EventUnregistered)
	w.told(EventEnded)
}

func TestAPhoneThatDoesNotAnswerIsTakenOffTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := newClient(w, "2101", "udp")
	c.register()
	w.place(Call{From: "07814256404", To: "2101"})
	w.on(func() { // as Timer B tells it after 32 s
		w.event(w.legs[0].d, dialog.Ended{Cause: dialog.CauseNetwork, Code: 408})
	})
	w.told(EventUnregistered)
	w.told(EventEnded)
}

func TestStrangersCannotCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := newClient(w, "2101", "udp")
	c.invites("2104", func(in *dialog.Invite) { in.From.URI.User = "2102" })
	if e := gets[dialog.Ended](c); e.Code != 403 {
		t.Errorf("a call in somebody else's name: %+v", e)
	}
	n := newClient(w, "mallory", "udp")
	n.invites("2104")
	if e := gets[dialog.Ended](n); e.Code != 407 {
		t.Errorf("a call without a password: %+v", e)
	}
}

func TestAPortThatIsTakenIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	_, err := New(Options{Listen: w.Addr()})
	var port *PortError
	if !errors.As(err, &port) || port.Addr != w.Addr() || !errors.Is(err, transaction.ErrPortTaken) {
		t.Errorf("got %v", err)
	}
}
