package sip

import (
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

// FuzzRegistrarAnswers: a registrar may answer what it likes; the phone goes on, and does not hammer it.
func FuzzRegistrarAnswers(f *testing.F) {
	f.Add(uint16(200), "<sip:2101@192.0.2.1:5060>;expires=0", "Expires: 0\nService-Route: <sip:a;lr>, <sip:b>\nRequire: outbound\nFlow-Timer: 0")
	f.Add(uint16(200), `<sip:2101@192.0.2.1:5060>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-000000000001>";reg-id=1;pub-gruu="x";temp-gruu="sip:@;gr"`, "Require: outbound\nFlow-Timer: 99999999999")
	f.Add(uint16(302), "<sip:192.0.2.2:5060>, <sip:[::1]>;q=7, <tel:1>, *", "")
	f.Add(uint16(305), "<sips:x.example.com;transport=ws>", "Retry-After: 0")
	f.Add(uint16(423), "", "Min-Expires: 4294967296")
	f.Add(uint16(401), "", `WWW-Authenticate: Digest realm="x", nonce="y", qop="auth"`)
	f.Add(uint16(503), "", "Retry-After: -1")
	f.Add(uint16(699), "<>", "P-Associated-URI: <<<, <sip:a@b>")
	f.Fuzz(func(t *testing.T, status uint16, contacts, headers string) {
		code := int(status-100)%600 + 100 // 100 to 699
		virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
			res := transaction.NewResponse(req, code, "")
			if list, err := transaction.ParseAddresses(contacts); err == nil {
				res.Contact = list
			}
			for line := range strings.SplitSeq(headers, "\n") {
				if name, value, ok := strings.Cut(line, ":"); ok && name != "" && !strings.ContainsAny(name, " \t") {
					res.Headers.Add(name, strings.TrimSpace(value))
				}
			}
			if tx.Respond(res) != nil { // what cannot be sent
				tx.Respond(transaction.NewResponse(req, 500, ""))
			}
		}, func(w *world) {
			time.Sleep(10 * time.Minute)
			w.mu.Lock()
			n := len(w.at)
			w.mu.Unlock()
			if most := 200; code >= 200 && n > most {
				t.Errorf("%d REGISTERs in ten minutes after %d", n, code)
			}
		}, named(t, "udp"), func(c *Config) { // nothing may be looked up outside of virtual time
			c.Registrar, c.Instance = pbxAddr.String(), "00000000-0000-4000-8000-000000000001"
		})
	})
}
