package dialog

import (
	"strconv"
	"strings"
	"testing"

	"offhook/sip/transaction"
)

// consulted is an attended transfer of p up to the REFER to bob: the target is called at proxy as carol@example.com, and what it says of
// its place is extra. What belongs to the call goes to carol. The last result is the INVITE to the target.
func consulted(t *testing.T, p *phone, bob, proxy, carol *script, extra string) (main *Session, toBob, toCarol msg) {
	t.Helper()
	main, toBob = up(t, p, bob, "")
	known := transaction.URI{Scheme: "sip", User: "carol", Host: "example.com"}
	consult := p.invite(proxy.uri(), func(in *Invite) { in.URI = known })
	toCarol = proxy.recv("INVITE")
	proxy.reply(toCarol, "200 OK", "far", extra, peerSDP)
	carol.recv("ACK")
	next[Confirmed](p, consult)
	main.TransferTo(consult, transaction.Address{URI: p.uri()})
	carol.reply(carol.recv("INVITE"), "200 OK", "", extra, heldSDP)
	bob.reply(bob.recv("INVITE"), "200 OK", "", "", heldSDP)
	return main, toBob, toCarol
}

// The cases of RFC 5589 §7: a Contact that others can call, one that only its proxy can, and one behind which nobody stands.
func TestTheTargetOfATransferIsNamedByWhatOthersCanCall(t *testing.T) {
	const route = "Record-Route: <sip:PROXY;lr>\r\n"
	for _, tc := range []struct{ name, told, want string }{
		{"a GRUU behind a proxy", "Contact: <sip:carol@example.com;gr=urn:uuid:1>\r\n" + route, "<sip:carol@example.com;gr=urn:uuid:1?Replaces="},
		{"a temporary GRUU", "Contact: <sip:tgruu.7hs@example.com;gr>\r\n" + route, "<sip:tgruu.7hs@example.com;gr?Replaces="},
		{"an address behind a proxy", "Contact: <sip:x@10.9.9.9:5062>\r\n" + route, "<sip:carol@example.com?Replaces="},
		{"an address behind who did not stay on the way", "Contact: <sip:x@CAROL>\r\n", "<sip:carol@example.com?Replaces="},
		{"the machine that we talk to", "Contact: <sip:x@PROXY>\r\n", "<sip:x@PROXY?Replaces="},
	} {
		t.Run(tc.name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				p, bob, proxy, carol := w.phone("alice"), w.script(nil), w.script(nil), w.script(nil)
				named := strings.NewReplacer("PROXY", proxy.addr().String(), "CAROL", carol.addr().String())
				if !strings.Contains(tc.told, "CAROL") {
					carol = proxy
				}
				_, _, inv := consulted(t, p, bob, proxy, carol, named.Replace(tc.told))
				refer := bob.recv("REFER").get("Refer-To")
				if want := named.Replace(tc.want); !strings.HasPrefix(refer, want) || !strings.Contains(refer, "from-tag%3D"+inv.tag("From")) {
					t.Errorf("Refer-To %s\nwant     %s…", refer, want)
				}
			})
		})
	}
}

func TestTheTargetOfATransferWhoCalledUsIsNamedByItsFrom(t *testing.T) {
	for _, tc := range []struct {
		from     string
		unserved bool
		want     string
	}{
		{"<sip:carol@example.com>", false, "<sip:carol@example.com?Replaces="},
		{"<sip:anonymous@anonymous.invalid>", false, "<sip:peer@CAROL?Replaces="},
		{"<tel:+4930123456>", false, "<sip:peer@CAROL?Replaces="},
		{"<sip:carol@her-laptop>", true, "<sip:peer@CAROL?Replaces="}, // nobody looks that name up for us
	} {
		virtually(t, func(t *testing.T, w *world) {
			p, bob, carol := w.phone("alice", func(c *Config) { c.Unserved = tc.unserved }), w.script(nil), w.script(nil)
			proxy := w.script(p)
			main, _ := up(t, p, bob, "")
			l := line{method: "INVITE", callID: "in", from: tc.from + ";tag=far", to: "<sip:alice@example.com>", cseq: 1,
				extra: "Contact: <" + carol.uri().String() + ">\r\n", body: peerSDP}
			l.bare = true
			proxy.request(l)
			consult := p.incoming()
			consult.Answer(local(30000))
			ok := proxy.recv("SIP/2.0 200")
			proxy.request(l.in(ok, "ACK", 1))
			next[Confirmed](p, consult)
			main.TransferTo(consult, transaction.Address{URI: p.uri()})
			carol.reply(carol.recv("INVITE"), "200 OK", "", "", heldSDP)
			bob.reply(bob.recv("INVITE"), "200 OK", "", "", heldSDP)
			want := strings.Replace(tc.want, "CAROL", carol.addr().String(), 1)
			if refer := bob.recv("REFER").get("Refer-To"); !strings.HasPrefix(refer, want) {
				t.Errorf("%s: Refer-To %s\nwant     %s…", tc.from, refer, want)
			}
		})
	}
}

func TestAPlaceThatIsNotFoundIsFollowedByTheOther(t *testing.T) {
	for code, again := range map[string]bool{"404 Not Found": true, "481 Gone": true, "486 Busy Here": false, "603 Decline": false} {
		virtually(t, func(t *testing.T, w *world) {
			p, bob, proxy := w.phone("alice"), w.script(nil), w.script(nil)
			main, toBob, _ := consulted(t, p, bob, proxy, proxy, "Contact: <sip:x@10.9.9.9:5062>\r\nRecord-Route: <sip:"+proxy.addr().String()+";lr>\r\n")
			first := bob.recv("REFER")
			bob.reply(first, "202 Accepted", "", "", "")
			bob.tells(toBob, 1, "refer", "terminated;reason=noresource", code)
			bob.recv("SIP/2.0 200")
			if !again {
				if e := next[TransferDone](p, main); e.OK || !strings.HasPrefix(code, strconv.Itoa(e.Code)) {
					t.Errorf("%s: %+v", code, e)
				}
				bob.nothing("whoever was reached is not asked twice")
				return
			}
			second := bob.recv("REFER")
			if to := second.get("Refer-To"); !strings.HasPrefix(to, "<sip:x@10.9.9.9:5062?Replaces=") || second.cseq() <= first.cseq() {
				t.Fatalf("%s: %s", code, to)
			}
			bob.reply(second, "202 Accepted", "", "", "")
			bob.tells(toBob, 2, "refer", "terminated;reason=noresource", "404 Not Found")
			if e := next[TransferDone](p, main); e.OK || e.Code != 404 {
				t.Errorf("%s: %+v", code, e)
			}
			p.quietSo(main)
		})
	}
}
