package sip

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"offhook/sip/transaction"
)

func TestACallThatWasCancelledBeforeItCameIsOfferedAndOverAndNothingRings(t *testing.T) {
	virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		tx.Respond(transaction.NewResponse(req, 200, ""))
	}, func(w *world) {
		from := netip.AddrPortFrom(pbxAddr.Addr(), 5070)
		c, err := w.net.Listen(from)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, method := range []string{"CANCEL", "INVITE"} {
			text := fmt.Sprintf("%s sip:2101@%v SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bKearly\r\nMax-Forwards: 70\r\nFrom: <sip:07700900123@example.com>;tag=f\r\n"+
				"To: <sip:2101@example.com>\r\nCall-ID: early\r\nCSeq: 1 %s\r\nContact: <sip:%v>\r\nContent-Length: 0\r\n\r\n", method, deskAddr, from, method, from)
			if _, err := c.WriteToUDPAddrPort([]byte(text), deskAddr); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		offered := LegID("")
		for e := range w.desk.Events() {
			switch e := e.(type) {
			case IncomingCall:
				offered = e.Leg
			case CallEnded:
				if offered == "" || e.Leg != offered || e.ByUs || e.Cause != EndCancelled {
					t.Fatalf("%+v after the offer of %q", e, offered)
				}
				return
			}
		}
	})
}
