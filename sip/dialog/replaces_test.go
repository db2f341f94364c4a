package dialog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

func TestAReplacesHeaderIsReadWholeOrNotAtAll(t *testing.T) {
	for _, tc := range []struct {
		value string
		want  Replaces
		ok    bool
	}{
		{"425928@bobster.example.org;to-tag=7743;from-tag=6472", Replaces{"425928@bobster.example.org", "7743", "6472", false}, true},
		{"a@b ; from-tag=1;TO-TAG=2;early-only;x=y", Replaces{"a@b", "2", "1", true}, true},
		{"c;to-tag=0;from-tag=0", Replaces{"c", "0", "0", false}, true},
		{value: ""},
		{value: "c"},
		{value: "c;to-tag=1"},
		{value: "c;from-tag=1"},
		{value: ";to-tag=1;from-tag=2"},
		{value: "c d;to-tag=1;from-tag=2"},
		{value: "c;to-tag=1;from-tag=2;to-tag=3"},
		{value: "c;to-tag=1;from-tag=2;early-only;early-only"},
		{value: "c;to-tag=1;from-tag=\"2"},
		{value: strings.Repeat("c", 2000) + ";to-tag=1;from-tag=2"},
	} {
		got, err := ParseReplaces(tc.value)
		if tc.ok != (err == nil) || !tc.ok && !errors.Is(err, ErrReplaces) || tc.ok && got != tc.want {
			t.Errorf("%.60q: %+v %v", tc.value, got, err)
		}
		if tc.ok {
			if again, err := ParseReplaces(got.String()); err != nil || again != got {
				t.Errorf("%q written as %q is read as %+v, %v", tc.value, got, again, err)
			}
		}
	}
}

func FuzzReplaces(f *testing.F) {
	f.Add("425928@bobster.example.org;to-tag=7743;from-tag=6472")
	f.Add("a;to-tag=\"x;y\";from-tag=0;early-only")
	f.Fuzz(func(t *testing.T, value string) {
		r, err := ParseReplaces(value)
		if err != nil {
			return
		}
		// As it travels: escaped in the Refer-To of one, read by another, written into an INVITE by him.
		uri := transaction.URI{Scheme: "sip", Host: "example.com", Headers: transaction.Params{{Name: "Replaces", Value: r.String(), Has: true}}}
		a, err := transaction.ParseAddress(transaction.Address{URI: uri}.String())
		if err != nil {
			t.Fatalf("%q: %v", uri, err)
		}
		v, _ := a.URI.Headers.Get("Replaces")
		if again, err := ParseReplaces(v); err != nil || again != r {
			t.Fatalf("%+v came as %+v: %v", r, again, err)
		}
	})
}

// replacesOf names the call p has, as its far end would.
func replacesOf(p *phone, s *Session) (r Replaces) {
	done := make(chan struct{})
	p.ua.Post(func() {
		r = Replaces{CallID: s.id.callID, ToTag: s.localTag, FromTag: s.id.remote.Tag()}
		close(done)
	})
	<-done
	return r
}

func TestACallTakesThePlaceOfAnother(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		a, b, c := w.phone("alice"), w.phone("bob"), w.phone("carol")
		ours, theirs := connected(t, a, b)
		r := replacesOf(b, theirs)
		third := c.invite(b.uri(), func(in *Invite) { in.Replaces = &r })
		in := b.incoming()
		if in.Replacing() != theirs || !in.Request().Headers.HasToken("Require", "replaces") {
			t.Fatalf("%v %v", in.Replacing(), in.Request().Headers)
		}
		b.quietSo(theirs) // only the answer ends it
		in.Answer(local(31000))
		next[Confirmed](b, in)
		next[Confirmed](c, third)
		if e := next[Ended](a, ours); e.Cause != CauseBye || e.ByUs {
			t.Fatalf("%+v", e)
		}
		late := c.invite(b.uri(), func(in *Invite) { in.Replaces = &r })
		if e := next[Ended](c, late); e.Code != 603 {
			t.Fatalf("a dialog that is over: %+v", e)
		}
		a.settled()
	})
}

func TestTheReplacedCallEndsAfterTheNewOneWasAnswered(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		a, b, c := w.phone("alice"), w.phone("bob"), w.phone("carol")
		_, theirs := connected(t, a, b)
		r := replacesOf(b, theirs)
		c.invite(b.uri(), func(in *Invite) { in.Replaces = &r })
		in := b.incoming()
		in.Answer(local(31000))
		next[Answered](b, in)
		if e := next[Ended](b, theirs); e.Cause != CauseReplaced || !e.ByUs {
			t.Fatalf("%+v", e)
		}
	})
}

func TestACallThatRingsAtTheOtherEndCanBeReplacedByWhoIsCalled(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		to := s.uri()
		c := p.invite(to)
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		next[Progress](p, c)
		s.to = p.flow.LocalAddr()
		s.call("pickup", "Require: replaces\r\nReplaces: "+inv.get("Call-Id")+";to-tag="+inv.tag("From")+";from-tag=t1;early-only\r\n", peerSDP)
		in := p.incoming()
		if in.Replacing() != c {
			t.Fatal("another call is to be replaced")
		}
		in.Answer(local(31000))
		s.recv("SIP/2.0 200")
		s.recv("CANCEL")
		if e := next[Ended](p, c); e.Cause != CauseReplaced {
			t.Fatalf("%+v", e)
		}
	})
}

func TestWhatCannotBeReplacedIsSaid(t *testing.T) {
	const call = "x;to-tag=%s;from-tag=peer1"
	for _, tc := range []struct {
		name    string
		extra   string // with the tag of the phone in the call x
		answer  bool
		allowed func(*Session, *transaction.Request) bool
		want    int
	}{
		{name: "no such dialog", extra: "Replaces: y;to-tag=%s;from-tag=peer1\r\n", answer: true, want: 481},
		{name: "another far end", extra: "Replaces: x;to-tag=%s;from-tag=peer2\r\n", answer: true, want: 481},
		{name: "the tags the other way round", extra: "Replaces: x;to-tag=peer1;from-tag=%s\r\n", answer: true, want: 481},
		{name: "a call that rings here", extra: "Replaces: " + call + "\r\n", want: 481},
		{name: "only while it rings", extra: "Replaces: " + call + ";early-only\r\n", answer: true, want: 486},
		{name: "two of them", extra: "Replaces: " + call + "\r\nReplaces: y;to-tag=1;from-tag=2\r\n", answer: true, want: 400},
		{name: "Join too", extra: "Replaces: " + call + "\r\nJoin: y;to-tag=1;from-tag=2\r\n", answer: true, want: 400},
		{name: "unreadable", extra: "Replaces: x;to-tag=%s\r\n", answer: true, want: 400},
		{name: "policy", extra: "Replaces: " + call + "\r\n", answer: true, allowed: func(*Session, *transaction.Request) bool { return false }, want: 403},
		{name: "allowed", extra: "Replaces: " + call + "\r\n", answer: true, want: 180},
	} {
		t.Run(tc.name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				p := w.phone("phone", func(c *Config) { c.Replaces = tc.allowed })
				s := w.script(p)
				l := s.call("x", "", peerSDP)
				res := s.recv("SIP/2.0 180")
				if tc.answer {
					p.incoming().Answer(local(30000))
					res = s.recv("SIP/2.0 200")
					s.request(l.in(res, "ACK", 10))
				}
				s.call("second", strings.ReplaceAll(tc.extra, "%s", res.tag("To")), peerSDP)
				for m := s.recv("SIP/2.0"); ; m = s.recv("SIP/2.0") {
					if m.get("Call-Id") == "second" && m.code() > 100 {
						if m.code() != tc.want {
							t.Fatalf("%s, want %d", m.start, tc.want)
						}
						return
					}
				}
			})
		})
	}
}

func TestReplacesStandsInAnInviteAlone(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone", func(c *Config) { c.Refer = func(*Session, *Refer) { t.Error("the REFER was heard") } })
		s := w.script(p)
		s.request(line{method: "REFER", callID: "r", from: "<sip:x@y>;tag=1", to: "<sip:phone@z>", cseq: 1,
			extra: "Refer-To: <sip:a@b>\r\nReplaces: x;to-tag=1;from-tag=2\r\n"})
		s.recv("SIP/2.0 400")
	})
}

func TestARedirectionNamesItsTargetsAndNobodyFollows(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "302 Moved", "t1", "Contact: <sip:third@c.example>;q=0.2, \"B\" <sip:second@b.example>;q=0.9\r\n"+
			"Contact: <sip:first@a.example>\r\nContact: <sip:last@d.example>;q=rubbish, <tel:+441202528732>;q=0.9, <sip:first@a.example>;q=0.1\r\n", "")
		s.recv("ACK")
		e := next[Ended](p, c)
		var got []string
		for _, a := range e.Targets {
			got = append(got, a.URI.String())
		}
		want := "sip:first@a.example sip:second@b.example tel:+441202528732 sip:third@c.example sip:last@d.example"
		if e.Cause != CauseRejected || e.Code != 302 || strings.Join(got, " ") != want {
			t.Fatalf("%+v %v", e, got)
		}
		p.settled()
		s.nothing("nobody is called")
	})
}

func TestAnIncomingCallCanBeSentElsewhere(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		s.to = p.flow.LocalAddr()
		l := s.call("c1", "", peerSDP)
		c := p.incoming()
		c.Redirect(302, []transaction.Address{{URI: transaction.URI{Scheme: "sip", User: "2110", Host: "pbx.example"}}}, transaction.Header{Name: "Reason", Value: "SIP;cause=302"})
		m := s.recv("SIP/2.0 302")
		if m.get("Contact") != "<sip:2110@pbx.example>" || m.get("Reason") == "" {
			t.Fatalf("%v", m.h)
		}
		l.method, l.to, l.extra, l.body = "ACK", m.get("To"), "", ""
		s.request(l)
		if e := next[Ended](p, c); e.Cause != CauseRejected || !e.ByUs || e.Code != 302 {
			t.Fatalf("%+v", e)
		}
		s.call("c2", "", peerSDP)
		p.incoming().Redirect(302, nil)
		s.recv("SIP/2.0 480")
		time.Sleep(time.Second)
		p.settled()
	})
}

func FuzzReferTo(f *testing.F) {
	f.Add("<sip:x@y;method=INVITE?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&X-Evil=1>", "<sip:a@b>")
	f.Add("tel:112", "\"Q\" <sip:a@b>;cid=\"x@y\"")
	f.Add("<sip:x@y?Replaces=&Replaces=>", "")
	f.Fuzz(func(t *testing.T, to, by string) {
		r, err := readRefer(transaction.Headers{{Name: "Refer-To", Value: to}, {Name: "Referred-By", Value: by}})
		if err != nil {
			return
		}
		if len(r.Target.URI.Headers) != 0 || r.Target.URI.Params.Has("method") {
			t.Fatalf("%q lets %v through", to, r.Target)
		}
		written := r.Target.URI.String()
		if _, err := transaction.ParseURI(written); err != nil {
			t.Fatalf("%q is written %q: %v", to, written, err)
		}
		if strings.ContainsAny(fmt.Sprint(r.Replaces), "\r\n") {
			t.Fatalf("%q: %+v", to, r.Replaces)
		}
	})
}
