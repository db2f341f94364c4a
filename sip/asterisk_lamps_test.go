package sip

import (
	"testing"

	"offhook/peers/feature"
)

func TestAsteriskShowsThePhoneWhatColleaguesDo(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "busy lamp (dialog-info)")
	p := x.extension(t, "6001", "tcp", func(c *Config) { c.Lamps = []Lamp{{Number: "6002"}, {Number: "6099"}} })
	lamp := func(want string) {
		t.Helper()
		for {
			l := wait[LampChanged](t, p)
			if l.Who.String() == "6002" && l.State == want {
				return
			}
		}
	}
	lamp(LampIdle)
	colleague := x.extension(t, "6002", "udp")
	s := x.customer(t, (&bench{hz: 440}).headset(t))
	s.Dial("x", x.number("6002"))
	in := wait[IncomingCall](t, colleague)
	lamp(LampRinging)
	colleague.Answer(in.Leg)
	wait[CallAnswered](t, colleague)
	lamp(LampBusy)
	p.NetworkChanged() // and over another flow it is asked again
	colleague.Hangup(in.Leg)
	lamp(LampIdle)
}

func TestAsteriskWritesToThePhone(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "text message")
	p := x.extension(t, "6001", "udp")
	x.manage(t, "MessageSend", "To: pjsip:6001", "From: <sip:6002@"+x.addr.Addr().String()+">", "Body: Your two o'clock is early.")
	m := wait[TextMessage](t, p)
	if m.Text.String() != "Your two o'clock is early." || m.From.Number.String() != "6002" {
		t.Fatalf("%+v", m)
	}
}
