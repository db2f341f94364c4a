package exchange

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// watches subscribes and gives what is told.
func (c *client) watches(event, user string) chan dialog.SubscriptionEvent {
	said := make(chan dialog.SubscriptionEvent, 100)
	c.ua.Subscribe(dialog.SubscribeConfig{
		Flow: c.flow, Dst: c.dst, URI: c.uri(user), From: transaction.Address{URI: c.uri(c.ext)}, Event: event,
		On: func(_ *dialog.Subscription, e dialog.SubscriptionEvent) { said <- e },
	})
	return said
}

// says waits for an event that fits.
func says[E dialog.SubscriptionEvent](t *testing.T, said chan dialog.SubscriptionEvent, fits func(E) bool) {
	t.Helper()
	limit := time.After(longest)
	var seen []dialog.SubscriptionEvent
	for {
		select {
		case e := <-said:
			if e, ok := e.(E); ok && fits(e) {
				return
			}
			seen = append(seen, e)
		case <-limit:
			t.Fatalf("told: %+v", seen)
		}
	}
}

func TestALampShowsWhatAnExtensionDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	p, a := registered(w, "2101", 0), newClient(w, "2102", "udp")
	said := a.watches("dialog", "2101")
	lamp := func(want dialog.Lamp, with string) {
		t.Helper()
		says(t, said, func(d dialog.DialogsChanged) bool {
			got, of := dialog.LampOf(d.Dialogs)
			return got == want && (with == "" || of.Remote.Identity.URI.User == with && of.Remote.Identity.Display == "Fred <Bloggs> & Co")
		})
	}
	lamp(dialog.LampIdle, "")
	w.place(Call{From: "07814256404", Name: "Fred <Bloggs> & Co", To: "2101"})
	lamp(dialog.LampRinging, "07814256404")
	p.answers()
	lamp(dialog.LampBusy, "07814256404")
	w.HangUp("2101")
	lamp(dialog.LampIdle, "")

	says(t, a.watches("dialog", "2999"), func(c dialog.SubscriptionChanged) bool {
		return c.State == dialog.SubscriptionStopped && c.Code == 404
	})
	says(t, a.watches("presence", "2101"), func(c dialog.SubscriptionChanged) bool {
		return c.State == dialog.SubscriptionStopped && c.Code == 489
	})
	says(t, a.watches("message-summary", "2101"), func(c dialog.SubscriptionChanged) bool {
		return c.State == dialog.SubscriptionStopped && c.Code == 403 // somebody else's mailbox
	})
}

func TestAMessageThatIsLeftIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	a := newClient(w, "2101", "udp")
	unasked := make(chan *transaction.Request, 8)
	a.request = func(req *transaction.Request) { unasked <- req }
	a.register()
	leave := func() {
		t.Helper()
		w.place(Call{From: "07814256404", To: "2101", LeavesMessage: true})
		(<-a.calls).Reject(486, "")
	}
	leave()
	n := <-unasked
	if m, err := dialog.ParseMessageSummary(n.Body); n.Method != "NOTIFY" || n.Headers.Get("Event") != "message-summary" || err != nil || !m.Waiting || m.New != 1 {
		t.Fatalf("%+v %+v %v", n, m, err)
	}
	said := a.watches("message-summary", "2101")
	mail := func(fresh, old int) {
		t.Helper()
		says(t, said, func(m dialog.MessagesChanged) bool { return m.New == fresh && m.Old == old })
	}
	mail(1, 0)
	leave()
	mail(2, 0)
	call := a.invites(Voicemail)
	for ok := false; !ok; {
		_, ok = (<-a.events).(dialog.Confirmed)
	}
	call.End("")
	mail(0, 2)
	a.register() // and whoever registers is told too
	select {
	case n := <-unasked:
		t.Fatalf("a phone that subscribes was told unasked: %q", n.Body)
	default:
	}
}

// certificate is one for 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "practice"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: nil, DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestAPhoneRegistersAndIsCalledByTLS(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t)
	w := newWorld(t, Options{Still: true, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	a := newClient(w, "2101", "udp")
	flow, err := a.ua.Layer().DialTLS(t.Context(), w.AddrTLS(), &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	a.flow, a.dst = flow, w.AddrTLS()
	a.register()
	w.place(Call{From: "07814256404", To: "2101"})
	s := a.takes()
	if contact := s.Request().Contact[0].String(); !strings.Contains(strings.ToLower(contact), "transport=tls") && !strings.Contains(contact, "sips:") {
		t.Errorf("Contact %s", contact)
	}
	s.Hold()
	for !gets[dialog.HoldChanged](a).ByUs {
	}
	w.HangUp("2101")
	if e, ok := (<-a.events).(dialog.Ended); ok && e.ByUs {
		t.Errorf("%+v", e)
	}
}

func TestCallsWithReliableProvisionalResponsesAndTimersWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	all := func(c *dialog.Config) { c.Reliable, c.SessionTimer = dialog.ReliableRequired, 90*time.Second }
	a, b := newClient(w, "2101", "udp", all), newClient(w, "2102", "tcp", all)
	a.register()
	b.register()
	w.place(Call{From: "07814256404", To: "2101"})
	a.takes()
	w.HangUp("2101")
	for over := false; !over; {
		_, over = (<-a.events).(dialog.Ended)
	}
	main := a.invites("2102")
	b.takes()
	gets[dialog.Confirmed](a)
	main.Hold()
	for !gets[dialog.HoldChanged](a).ByUs {
	}
	main.End("")
	gets[dialog.Ended](a)
}
