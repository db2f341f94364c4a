package dialog

import (
	"net/netip"
	"testing"

	"offhook/sip/transaction"
)

func TestSIPpTellsATransferInAnOddOrder(t *testing.T) {
	p := newPhone(t, "phone")
	at, done := sipp(t, "uas_refer", "")
	to := p.uri()
	to.Host, to.Port = at.Addr().String(), int(at.Port())
	c := p.invite(to)
	next[Confirmed](p, c)
	carol := p.uri()
	carol.User = "carol"
	c.Transfer(transaction.Address{URI: carol}, transaction.Address{URI: p.uri()})
	for _, want := range []int{100, 183} {
		if e := next[TransferProgress](p, c); e.Code != want {
			t.Fatalf("%+v, want %d", e, want)
		}
	}
	if e := next[TransferDone](p, c); !e.OK {
		t.Fatalf("%+v", e)
	}
	if e := next[Ended](p, c); e.Cause != CauseTransferred {
		t.Fatalf("%+v", e)
	}
	done()
}

func TestSIPpAsksForACallAndHangsUpAtOnce(t *testing.T) {
	carol := newPhone(t, "carol")
	carol.ua.loop.run(func() { carol.ring = false })
	var p *phone
	p = newPhone(t, "phone", func(c *Config) {
		c.Refer = func(_ *Session, r *Refer) {
			r.Accept()
			in := r.Invite(Invite{Flow: p.flow, Dst: netip.AddrPortFrom(netip.MustParseAddr(r.Target.URI.Host), uint16(r.Target.URI.Port)),
				From: transaction.Address{URI: p.uri()}, Media: local(22000)})
			r.Follow(p.ua.Invite(in, nil))
		}
	})
	_, done := sipp(t, "uac_refer", p.flow.LocalAddr().String(), "-key", "target", carol.uri().String())
	first := p.incoming()
	first.Answer(local(30000))
	next[Ended](p, first)
	in := carol.incoming()
	if in.Request().Headers.Has("X-Evil") || in.Request().Headers.Get("Referred-By") == "" {
		t.Errorf("%v", in.Request().Headers)
	}
	in.Ring()
	in.Answer(local(32000))
	next[Confirmed](carol, in)
	done()
}
