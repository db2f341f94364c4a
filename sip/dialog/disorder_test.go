package dialog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// disorder is a far end that says anything at any time, and a person who does anything at any time.
type disorder struct {
	t       *testing.T
	r       *rand.Rand
	p       *phone
	s       *script
	c       *Session
	l       line // their side of the dialog
	pending []msg
	cseq    int
	rseq    string // of the last reliable response of the phone
	told    []string
}

// drain takes what came from the phone: its requests wait for a random answer, its tag is learned.
func (d *disorder) drain() {
	for {
		select {
		case p := <-d.s.in:
			m := parseMsg(d.t, p.data)
			if strings.HasPrefix(m.start, "SIP/2.0") {
				if m.get("RSeq") != "" {
					d.rseq = m.get("RSeq")
				}
				if strings.HasSuffix(m.get("CSeq"), "INVITE") && m.tag("To") != "" && !d.c.Outgoing() {
					d.l.to = m.get("To")
				}
			} else if !strings.HasPrefix(m.start, "ACK") {
				d.pending = append(d.pending, m)
			}
		default:
			return
		}
	}
}

func (d *disorder) note(format string, args ...any) {
	d.told = append(d.told, fmt.Sprintf(format, args...))
}

func pick[T any](d *disorder, of ...T) T { return of[d.r.IntN(len(of))] }

var bodies = []string{
	peerSDP, peerSDP, heldSDP, "", "rubbish", strings.Replace(peerSDP, "40000 RTP/AVP 0 101", "0 RTP/AVP 0", 1),
	strings.Replace(peerSDP, "a=rtpmap", "a=inactive\r\na=rtpmap", 1), strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1),
	strings.Replace(peerSDP, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1),
}

// timings are session intervals of all kinds, and what allows an UPDATE.
var timings = []string{
	"", "", allowsUpdate, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", "Session-Expires: 90;refresher=uas\r\n" + allowsUpdate,
	"Supported: timer\r\nSession-Expires: 1\r\n", "Session-Expires: x\r\n", "Session-Expires: 0\r\n", "Min-SE: 100\r\n", "Min-SE: 9999999999\r\nRetry-After: 3\r\n", "Retry-After: 1\r\n",
}

func (d *disorder) person() {
	target := transaction.Address{URI: transaction.URI{Scheme: "sip", User: "carol", Host: "192.0.2.9"}}
	what := pick(d, "ring", "answer", "answer", "reject", "end", "hold", "hold", "resume", "resume", "transfer", "reinvite", "late", "info", "early", "early", "progress", "move", "move with media")
	d.note("person: %s", what)
	switch l := local(30000); what {
	case "ring":
		d.c.Ring()
	case "answer":
		d.c.Answer(l)
	case "reject":
		d.c.Reject(486, "")
	case "end":
		if d.r.IntN(4) == 0 {
			d.c.End("")
		}
	case "hold":
		d.c.Hold()
	case "resume":
		d.c.Resume()
	case "transfer":
		d.c.Transfer(target, target)
	case "reinvite":
		d.c.Reinvite(false)
	case "late":
		d.c.Reinvite(true)
	case "info":
		d.c.Send("INFO", nil, "", nil, nil)
	case "early":
		d.c.Progress(183, "", &l)
	case "progress":
		d.c.Progress(182, "", nil)
	case "move":
		d.c.Refresh(d.p.flow, d.s.addr(), transaction.Address{})
	case "move with media":
		d.c.Refresh(d.p.flow, d.s.addr(), transaction.Address{}, local(uint16(30000+2*d.r.IntN(100))))
	}
}

// request is one of theirs.
func (d *disorder) request() {
	l := d.l
	l.method = pick(d, "ACK", "ACK", "ACK", "BYE", "CANCEL", "INVITE", "INVITE", "UPDATE", "INFO", "NOTIFY", "OPTIONS", "REFER", "PRACK", "PRACK", "PRACK")
	l.branch, l.extra, l.kind = "", "", ""
	switch d.r.IntN(5) {
	case 0:
		l.cseq = d.cseq // the same number again
	case 1:
		l.cseq = max(1, d.cseq-1)
	default:
		d.cseq++
		l.cseq = d.cseq
	}
	switch l.method {
	case "ACK":
		l.cseq, l.body = d.cseq, pick(d, bodies...)
	case "CANCEL":
		if d.c.Outgoing() {
			return
		}
		l.cseq, l.branch, l.to = 10, "z9hG4bKcall", "<sip:phone@127.0.0.1>"
	case "BYE":
		if d.r.IntN(3) > 0 {
			return
		}
	case "INVITE", "UPDATE":
		l.body, l.extra = pick(d, bodies...), pick(d, timings...)
	case "PRACK":
		l.body = pick(d, append(bodies, "", "", "")...)
		l.extra = "RAck: " + pick(d, d.rseq, d.rseq, "1", "x") + " " + pick(d, "10", "10", "11") + " INVITE\r\n"
	case "NOTIFY":
		l.extra = "Event: refer\r\nSubscription-State: " + pick(d, "active;expires=60", "terminated;reason=noresource", "") + "\r\n"
		l.kind, l.body = "message/sipfrag", pick(d, "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK", "SIP/2.0 486 Busy", "x")
	}
	d.note("they: %s %d %.12q", l.method, l.cseq, l.body)
	d.s.request(l)
}

// response answers something that waits, or answers it again.
func (d *disorder) response() {
	if len(d.pending) == 0 {
		return
	}
	i := d.r.IntN(len(d.pending))
	m := d.pending[i]
	status := pick(d, "100 Trying", "180 Ringing", "183 Progress", "199 Gone", "200 OK", "200 OK", "200 OK", "202 Accepted", "302 Moved", "401 Who", "408 Late", "422 Brief", "481 Unknown", "486 Busy", "488 No", "491 Glare", "500 No", "603 No")
	tag := pick(d, "t1", "t1", "t1", "t2", "")
	d.note("they: %s to %s", status, strings.Fields(m.start)[0])
	extra := pick(d, timings...)
	if status[0] == '1' && d.r.IntN(2) == 0 {
		extra = reliable(1 + d.r.IntN(4))
	}
	d.s.reply(m, status, tag, extra, pick(d, bodies...))
	if status[0] != '1' && d.r.IntN(3) > 0 {
		d.pending = append(d.pending[:i], d.pending[i+1:]...)
	}
}

// disorderly is one call in which anything may happen.
func disorderly(t *testing.T, seed uint64, source rand.Source) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone", reliableConfig([]Reliable{ReliableOff, ReliableSupported}[seed%2]), timed(time.Duration(seed%3)*time.Minute, 0))
		s := w.script(nil)
		s.to = p.flow.LocalAddr()
		d := &disorder{t: t, r: rand.New(source), p: p, s: s, cseq: 10}
		defer func() {
			if t.Failed() {
				t.Logf("round %d: %s", seed, strings.Join(d.told, "; "))
			}
		}()
		if d.r.IntN(2) == 0 {
			d.l = s.call("call", pick(d, "", "Require: 100rel\r\n", "Supported: 100rel, timer\r\n"), pick(d, peerSDP, peerSDP, ""))
			d.c = p.incoming()
		} else {
			d.c = p.invite(s.uri(), func(in *Invite) { in.LateOffer = d.r.IntN(4) == 0 })
			inv := s.recv("INVITE")
			d.l = back(inv, "", 0)
			d.pending = append(d.pending, inv)
		}
		for range 40 {
			if d.r.IntN(4) > 0 {
				synctest.Wait()
			}
			d.drain()
			switch d.r.IntN(8) {
			case 0, 1:
				d.person()
			case 2, 3:
				d.request()
			case 4, 5, 6:
				d.response()
			case 7:
				time.Sleep(pick(d, time.Millisecond, 100*time.Millisecond, time.Second, 3*time.Second, 33*time.Second))
			}
		}
		d.c.End("")
		ends := map[*Session]int{d.c: 0}
		for len(p.calls) > 0 { // an INVITE without our tag is another call
			c := <-p.calls
			c.End("")
			ends[c] = 0
		}
		p.settled()
		for len(p.events) > 0 {
			ev := <-p.events
			if ends[ev.s] > 0 {
				t.Errorf("%T after the end", ev.e)
			}
			if _, ok := ev.e.(Ended); ok {
				ends[ev.s]++
			}
		}
		for _, n := range ends {
			if n != 1 {
				t.Errorf("ended %d times", n)
			}
		}
	})
}

func TestWhateverBothSidesDoACallEndsOnceAndLeavesNothing(t *testing.T) {
	const rounds = 400
	for seed := range uint64(rounds) {
		disorderly(t, seed, rand.NewPCG(seed, 7))
		if t.Failed() {
			return
		}
	}
}

// choices are what a fuzzer wrote: each byte decides one thing; when there are no more, chance does.
type choices struct {
	data []byte
	rest rand.Source
}

func (c *choices) Uint64() uint64 {
	if len(c.data) == 0 {
		return c.rest.Uint64()
	}
	b := uint64(c.data[0]) * 0x0101010101010101
	c.data = c.data[1:]
	return b
}

func FuzzOrder(f *testing.F) {
	for seed := range uint64(4) {
		data := make([]byte, 200)
		for i, r := 0, rand.New(rand.NewPCG(seed, 8)); i < len(data); i++ {
			data[i] = byte(r.IntN(256))
		}
		f.Add(seed, data)
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		disorderly(t, seed, &choices{data, rand.NewPCG(seed, 8)})
	})
}

// held is the last that was told of a session's hold, and whether it ended; it takes all events there are.
func held(p *phone, s *Session) (h HoldChanged, ends int) {
	for len(p.events) > 0 {
		switch ev := <-p.events; e := ev.e.(type) {
		case HoldChanged:
			h = e
		case Ended:
			ends++
		}
	}
	return h, ends
}

func TestTwoPhonesInDisorderOverALossyNetworkAgreeInTheEnd(t *testing.T) {
	agreed := 0
	for seed := range uint64(200) {
		virtually(t, func(t *testing.T, w *world) {
			r, lost := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			a, b := w.phone("alice"), w.phone("bob")
			w.net.Lose(func(netip.AddrPort, netip.AddrPort, []byte) bool { return lost.IntN(4) == 0 })
			x := a.invite(b.uri())
			y := b.incoming()
			y.Answer(local(30000))
			var told []string
			for range 25 {
				c, who := x, "alice"
				if r.IntN(2) == 0 {
					c, who = y, "bob"
				}
				switch n := r.IntN(6); n {
				case 0, 1:
					c.Hold()
					told = append(told, who+" holds")
				case 2, 3:
					c.Resume()
					told = append(told, who+" resumes")
				case 4:
					c.Reinvite(r.IntN(2) == 0)
					told = append(told, who+" refreshes")
				case 5:
					time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
				}
			}
			w.net.Lose(nil)
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			h, over := held(a, x)
			g, gone := held(b, y)
			if over+gone == 0 {
				agreed++
				if h.ByUs != g.ByThem || h.ByThem != g.ByUs {
					t.Errorf("round %d: alice says %+v, bob %+v: %s", seed, h, g, strings.Join(told, ", "))
				}
			} else if over != gone {
				t.Errorf("round %d: only one side has ended", seed)
			}
			x.End("")
			a.settled()
			b.settled()
			_, n := held(a, x)
			_, m := held(b, y)
			if over+n != 1 || gone+m != 1 {
				t.Errorf("round %d: ended %d and %d times", seed, over+n, gone+m)
			}
		})
		if t.Failed() {
			return
		}
	}
	if agreed < 150 {
		t.Errorf("only %d of 200 calls survived the losses", agreed)
	}
}
