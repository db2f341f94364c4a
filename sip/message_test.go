package sip

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"offhook/sip/transaction"
)

func message(t *testing.T, p *Phone, kind, body string) *transaction.Request {
	a := p.LocalAddr()
	return &transaction.Request{
		Method: "MESSAGE", URI: transaction.URI{Scheme: "sip", User: "2101", Host: a.Addr().String(), Port: int(a.Port())},
		From: address(t, `"Anna" <sip:2102@example.com>;tag=x`), To: address(t, "<sip:2101@example.com>"),
		CallID: transaction.NewCallID(), CSeq: 1, ContentType: kind, Body: []byte(body),
	}
}

func answerTo(t *testing.T, from *server, p *Phone, req *transaction.Request) *transaction.Response {
	t.Helper()
	answered := make(chan *transaction.Response, 1)
	if _, err := from.ua.Layer().Send(from.flow, p.LocalAddr(), req, func(res *transaction.Response) { answered <- res.Clone() }, nil); err != nil {
		t.Fatal(err)
	}
	return <-answered
}

func TestAMessageFromTheAccountsServerIsTold(t *testing.T) {
	pbx := newServer(t, okRegistrar)
	p := registered(t, pbx)
	until(t, p, Registered)
	for _, c := range []struct{ kind, body, want string }{
		{"text/plain", "Your two o'clock is early.", "Your two o'clock is early."},
		{"text/plain; charset=UTF-8", "Grüße\x1b[31m aus\u202e Köln\r\nund Bonn", "Grüße aus Köln\nund Bonn"},
		{"TEXT/PLAIN;charset=iso-8859-1", "Gr\xfc\xdfe", "Grüße"},
		{"text/plain", strings.Repeat("ä", 20) + strings.Repeat("x", 600), strings.Repeat("ä", 20) + strings.Repeat("x", maxMessage-21) + "…"},
	} {
		if res := answerTo(t, pbx, p, message(t, p, c.kind, c.body)); res.Status != 200 {
			t.Fatalf("%s: %d", c.kind, res.Status)
		}
		m := wait[TextMessage](t, p)
		if m.Text.String() != c.want || m.From.Number.String() != "2102" || m.From.Name.String() != "Anna" {
			t.Fatalf("%q from %+v, want %q", m.Text, m.From, c.want)
		}
	}
}

func TestAMessageInACallIsTakenLikeAnyOther(t *testing.T) {
	pbx := newServer(t, okRegistrar)
	p := registered(t, pbx)
	until(t, p, Registered)
	s := pbx.call(p, address(t, `"Anna" <sip:2102@example.com>`))
	in := wait[IncomingCall](t, p)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	answered := make(chan int, 1)
	s.Send("MESSAGE", nil, "text/plain", []byte("between us"), func(res *transaction.Response, err error) {
		if err == nil {
			answered <- res.Status
		}
	})
	if m := wait[TextMessage](t, p); m.Text.String() != "between us" || m.From.Number.String() != "2102" {
		t.Errorf("%+v", m)
	}
	if code := <-answered; code != 200 {
		t.Errorf("%d", code)
	}
}

func TestWhatIsNoPlainTextIsRefusedWithWhatWouldBe(t *testing.T) {
	pbx := newServer(t, okRegistrar)
	p := registered(t, pbx)
	until(t, p, Registered)
	zipped := message(t, p, "text/plain", "x")
	zipped.Headers.Add("Content-Encoding", "gzip")
	for why, req := range map[string]*transaction.Request{
		"a web page": message(t, p, "text/html", "<b>x</b>"), "zipped": zipped, "no type": message(t, p, "", "x"),
		"another alphabet": message(t, p, "text/plain;charset=utf-16", "x"),
	} {
		if res := answerTo(t, pbx, p, req); res.Status != 415 || res.Headers.Get("Accept") != "text/plain" {
			t.Errorf("%s: %d %q", why, res.Status, res.Headers.Get("Accept"))
		}
	}
}

func TestWhoIsNoServerOfTheAccountWritesNothing(t *testing.T) {
	stranger := newServer(t, okRegistrar)
	p := open(t, "a")
	if res := answerTo(t, stranger, p, message(t, p, "text/plain", "buy now")); res.Status != 403 {
		t.Errorf("without a registrar everybody may call, and nobody may write: %d", res.Status)
	}
	p = open(t, "b", func(c *Config) { c.Accept = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	if res := answerTo(t, stranger, p, message(t, p, "text/plain", "hello")); res.Status != 200 {
		t.Errorf("an accepted peer: %d", res.Status)
	}
}

func TestAFloodOfMessagesIsTurnedBack(t *testing.T) {
	virtually(t, granting(3600), func(w *world) { // a busy machine takes so long that there would be another one meanwhile
		w.news(Registered)
		for i := range messageBurst + 2 {
			res := answerTo(t, w.pbx, w.desk, message(t, w.desk, "text/plain", "again"))
			if late := i >= messageBurst; late != (res.Status == 480) || late && res.Headers.Get("Retry-After") == "" {
				t.Errorf("message %d: %d", i+1, res.Status)
			}
		}
	})
	var a allowance
	now := time.Now()
	for i := range 5 {
		if a.take(now, 2, time.Second) != (i < 2) {
			t.Errorf("take %d at once", i+1)
		}
	}
	if !a.take(now.Add(time.Second), 2, time.Second) || a.take(now.Add(time.Second), 2, time.Second) {
		t.Error("after a second there is one more, not two")
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add("text/plain", "", []byte("hello"))
	f.Add("text/plain; charset=iso-8859-1", "identity", []byte("\xff\x00\x1b"))
	f.Fuzz(func(t *testing.T, kind, encoding string, body []byte) {
		req := &transaction.Request{Method: "MESSAGE", ContentType: kind, Body: body}
		req.Headers.Add("Content-Encoding", encoding)
		b, _ := plainText(req)
		s := b.String()
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxMessage || strings.ContainsAny(s, "\r\x00\x1b\u202e") {
			t.Fatalf("%q", s)
		}
	})
}
