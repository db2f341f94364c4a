package ui

import (
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/sip"
)

// More scenes: several calls at once, recording, lamps, and what stands until it is undone.

func lamps(s *desk.Snapshot) *desk.Snapshot {
	s.Lamps = []desk.Lamp{
		{Number: c("2104"), Name: c("Priya Raman"), State: desk.LampFree},
		{Number: c("2105"), Name: c("Sam Ortiz"), State: desk.LampBusy, With: c("Dana Whitfield")},
		{Number: c("2106"), Name: c("Robin Hale"), State: desk.LampRinging, With: c("07700900461")},
		{Number: c("2107"), Name: c("Noor Aziz-Wolfeschlegelsteinhausen"), State: desk.LampUnknown},
		{Number: c("28001"), Name: c("山田太郎 – 東京都中央区"), State: desk.LampFree},
	}
	return s
}

func priya() desk.Call {
	return with(fred(desk.Talking), func(k *desk.Call) {
		k.Key, k.Leg, k.Dir, k.Outgoing = "k2", "l2", crm.Internal, true
		k.Remote, k.Called = sip.Party{Number: c("2104"), Source: sip.FromDialled}, c("2104")
		k.Name, k.NameFrom, k.Place = c("Priya Raman"), "the settings", c("")
		k.Answered, k.Started, k.StateSince = ago(21*time.Second), ago(25*time.Second), ago(21*time.Second)
		k.Match, k.Assoc = crm.Match{State: crm.MatchInternal}, crm.Association{Rule: crm.RuleNothing, Why: "internal call"}
		k.Can = []desk.Verb{desk.Hold, desk.Mute, desk.Xfer, desk.XferTo, desk.Merge, desk.DTMF, desk.Rec, desk.Hangup, desk.Note}
	})
}

func consulting() *desk.Snapshot {
	held := with(fred(desk.Held), func(k *desk.Call) {
		k.Can = []desk.Verb{desk.Resume, desk.Xfer, desk.XferTo, desk.Merge, desk.Hangup, desk.Pop, desk.SearchIn, desk.New, desk.Pin, desk.Clear, desk.Note}
	})
	s := lamps(talking(held, priya()))
	s.Open = fredCard()
	return s
}

func conference() *desk.Snapshot {
	can := []desk.Verb{desk.Hold, desk.Mute, desk.Xfer, desk.XferTo, desk.Split, desk.DTMF, desk.Rec, desk.Hangup, desk.Note}
	in := func(k *desk.Call) { k.Conference, k.Can = true, can }
	s := lamps(talking(with(fred(desk.Talking), in), with(priya(), in)))
	s.Open = fredCard()
	return s
}

func recorded() *desk.Snapshot {
	s := popped()
	s.Calls[0].Recording = sip.RecordingPaused
	s.Calls[0].Signaling, s.Calls[0].Sound = "TLS 1.3", "SDES AES_CM_128_HMAC_SHA1_80"
	s.Calls[0].Can = []desk.Verb{desk.Hold, desk.Mute, desk.Xfer, desk.DTMF, desk.Rec, desk.RecPause, desk.Hangup, desk.Pop, desk.SearchIn, desk.New, desk.Pin, desk.Clear, desk.Note}
	return s
}

func standing() *desk.Snapshot {
	s := lamps(landed(idle()))
	s.Forward = &desk.Forwards{When: desk.ForwardNoAnswer, To: c("+44 1202 528732")}
	s.DND = true
	s.Mailbox = &desk.Mailbox{Waiting: true, New: 3, Old: 2, Number: c("2110")}
	s.Accounts = []desk.Account{{Name: c("2101@pbx.practice.example"), Health: desk.HealthOK, Primary: true}, {Name: c("31@trunk.example.net"), Health: desk.HealthDown, Text: c("does not answer")}}
	s.Links.SIP = desk.Link{Health: desk.HealthWarn, Text: c("1/2, 31@trunk.example.net down")}
	s.Notices = []desk.Notice{{ID: 1, Severity: desk.Info, Text: c("Anna (2102): your two o'clock is early and waits at the front desk, shall I bring them up or do you come down?")}}
	return s
}

func told() *desk.Snapshot {
	call := with(fred(desk.Incoming), func(k *desk.Call) {
		k.Remote.Verstat = sip.VerstatFailed
		k.Diverted = &sip.Party{Number: c("02079460000"), Name: c("Main switchboard"), Diverted: "no-answer"}
		k.Vars = []sip.Var{{Name: c("Campaign"), Value: c("Spring renewals 2026"), Show: true}, {Name: c("Waited"), Value: c("4 min 10 s"), Show: true}, {Name: c("IVR"), Value: c("2 – billing, 4 – wrong invoice"), Show: true}}
		k.AutoAnswer, k.Account = true, c("sip:31@trunk.example.net")
		k.Can = []desk.Verb{desk.Answer, desk.Reject, desk.Redirect, desk.Pop, desk.SearchIn, desk.New, desk.Pin, desk.Clear, desk.Note}
	})
	s := ringing(call)
	s.Accounts = []desk.Account{{Name: c("2101@pbx.practice.example"), Health: desk.HealthOK, Primary: true}, {Name: c("31@trunk.example.net"), Health: desk.HealthOK}}
	return s
}

func sounds() *desk.Snapshot {
	s := landed(idle())
	s.SoundCheck = &desk.SoundCheck{In: -24, Out: desk.SoundSilence, OK: true, Words: c("Jabra Evolve2 65 is heard well (loudest -24 dB, quietest -63 dB)."), Devices: []desk.SoundDevice{
		{Role: desk.Microphone, Value: "default", Name: c("Default (Built-in Audio)")},
		{Role: desk.Microphone, Value: "a", Name: c("Built-in Audio Analog Stereo"), Default: true},
		{Role: desk.Microphone, Value: "b", Name: c("Jabra Evolve2 65 Mono"), Chosen: true, InUse: true},
		{Role: desk.Loudspeaker, Value: "default", Name: c("Default (Built-in Audio)")},
		{Role: desk.Loudspeaker, Value: "c", Name: c("Jabra Evolve2 65 Stereo with a name that goes on and on and on and on"), InUse: true, Chosen: true, Default: true},
		{Role: desk.RingDevice, Value: "default", Name: c("Default")},
		{Role: desk.RingDevice, Value: "x", Name: c("Old desk speaker"), Chosen: true, Missing: true},
		{Role: desk.RingDevice, Value: "bell", Name: c("Terminal bell")},
		{Role: desk.RingDevice, Value: "off", Name: c("No ring")},
	}}
	return s
}
