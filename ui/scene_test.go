package ui

import (
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

// The scenes of the goldens: one desk, one customer base, one clock.

var noon = time.Date(2026, 11, 21, 16, 11, 36, 0, time.UTC)

func c(s string) text.Text { return text.Clean(s) }

func ago(d time.Duration) time.Time { return noon.Add(-d) }

func idle() *desk.Snapshot {
	return &desk.Snapshot{Seq: 1, At: noon, State: desk.Available, Since: ago(3*time.Minute + 12*time.Second),
		Agent: desk.Agent{Account: c("2101@pbx.practice.example"), User: c("amy@practice.example"), Org: c("practice.my.salesforce.example"), Profile: c("default"), Version: "0.1.0"},
		Links: desk.Links{SIP: desk.Link{Health: desk.HealthOK, Text: c("registered at pbx.practice.example:5060 over UDP")}, Salesforce: desk.Link{Health: desk.HealthOK, Text: c("signed in")},
			Sound: desk.Link{Health: desk.HealthOK, Text: c("Headset")}, Hub: desk.Link{Health: desk.HealthOff}, Disk: desk.Link{Health: desk.HealthOK}}}
}

func landed(s *desk.Snapshot) *desk.Snapshot {
	fred, acme := fredRef(), crm.Ref{Type: "Lead", ID: "00Q000000000003", Name: c("Dana Whitfield")}
	s.Landed = []desk.Landed{
		{At: ago(40 * time.Minute), TaskID: "00T000000000001", Subject: c("Inbound Call at 15:31:02 from 02079460123 (Dana Whitfield)"), About: acme},
		{At: ago(22 * time.Minute), TaskID: "00T000000000002", Subject: c("Internal Call at 15:49:40 from 2104")},
		{At: ago(9 * time.Minute), TaskID: "00T000000000003", Subject: c("Inbound Call at 16:02:11 from 07814256404 (Fred Bloggs)"), About: fred},
	}
	return s
}

func fredRef() crm.Ref {
	return crm.Ref{Type: "Contact", ID: "003000000000001", Name: c("Fred Bloggs")}
}

func hitFred() crm.Hit {
	return crm.Hit{Ref: fredRef(), Detail: c("Acme Ltd"), Phone: c("07814 256404"), Account: crm.Ref{Type: "Account", ID: "001000000000001", Name: c("Acme Ltd")}}
}

func fredCard() *crm.Card {
	return &crm.Card{Ref: fredRef(), Label: c("Contact"), URL: c("https://practice.my.salesforce.example/003000000000001"), Fields: []crm.CardField{
		{Name: "Name", Label: c("Name"), Value: c("Fred Bloggs"), Kind: crm.KindText},
		{Name: "Title", Label: c("Title"), Value: c("Purchasing Manager"), Kind: crm.KindText},
		{Name: "AccountId", Label: c("Account Name"), Value: c("Acme Ltd"), Kind: crm.KindRef, Ref: crm.Ref{Type: "Account", ID: "001000000000001", Name: c("Acme Ltd")}},
		{Name: "Phone", Label: c("Business Phone"), Value: c("01202 528735"), Kind: crm.KindPhone},
		{Name: "MobilePhone", Label: c("Mobile"), Value: c("07814 256404"), Kind: crm.KindPhone},
		{Name: "Email", Label: c("Email"), Value: c("fred.bloggs@acme.example"), Kind: crm.KindEmail},
	}, Related: []crm.Related{
		{Ref: crm.Ref{Type: "Case", ID: "500000000000001", Name: c("00001027 Wrong invoice")}, Detail: c("Working · High")},
		{Ref: crm.Ref{Type: "Case", ID: "500000000000002", Name: c("00001031 Delivery to the second site")}, Detail: c("New · Medium")},
		{Ref: crm.Ref{Type: "Task", ID: "00T000000000003", Name: c("Inbound Call at 16:02:11 from 07814256404")}, Detail: c("today")},
	}}
}

func fred(state desk.CallState) desk.Call {
	call := desk.Call{Key: "k1", Leg: "l1", Dir: crm.Inbound, State: state, Remote: sip.Party{Number: c("07814256404"), Name: c("BLOGGS F"), Source: sip.FromAsserted},
		Called: c("2101"), Name: c("Fred Bloggs"), NameFrom: "Salesforce", Started: ago(4 * time.Second), StateSince: ago(4 * time.Second), Record: desk.RecordOpen,
		Match: crm.Match{State: crm.MatchOne, Hits: []crm.Hit{hitFred()}, Via: "sosl", Took: 34 * time.Millisecond},
		Assoc: crm.Association{Rule: crm.RuleOneMatch, Why: "one match", Who: fredRef()},
		Can:   []desk.Verb{desk.Answer, desk.Reject, desk.Redirect, desk.Pop, desk.SearchIn, desk.New, desk.Pin, desk.Clear, desk.Note}}
	switch state {
	case desk.Talking, desk.Held, desk.Transferring:
		call.Started, call.Answered, call.StateSince = ago(140*time.Second), ago(134*time.Second), ago(134*time.Second)
		call.Codec = "G722"
		call.Quality = &media.Stats{Codec: "G722", InLevel: -22, OutLevel: -31, RecentLoss: 0.2, Jitter: 4 * time.Millisecond, MOS: 4.4}
		call.Can = []desk.Verb{desk.Hold, desk.Mute, desk.Xfer, desk.DTMF, desk.Hangup, desk.Pop, desk.SearchIn, desk.New, desk.Pin, desk.Clear, desk.Note}
	}
	switch state {
	case desk.Held:
		call.StateSince = ago(32 * time.Second)
		call.Can = []desk.Verb{desk.Resume, desk.Xfer, desk.Hangup, desk.Pop, desk.SearchIn, desk.New, desk.Pin, desk.Clear, desk.Note}
	case desk.Transferring:
		call.Can = []desk.Verb{desk.Resume, desk.Hangup, desk.Pin, desk.Clear, desk.Note}
		call.Transfer = &desk.Transfer{Target: c("2104"), Text: c("ringing")}
	}
	return call
}

func ringing(calls ...desk.Call) *desk.Snapshot {
	s := landed(idle())
	s.State, s.Since, s.Calls = desk.Ringing, ago(4*time.Second), calls
	return s
}

func talking(calls ...desk.Call) *desk.Snapshot {
	s := landed(idle())
	s.State, s.Since, s.Calls = desk.OnCall, ago(134*time.Second), calls
	return s
}

func popped() *desk.Snapshot {
	call := fred(desk.Talking)
	call.Current, call.Assoc = fredRef(), crm.Association{Rule: crm.RuleCurrent, Why: "opened during the call", Who: fredRef()}
	s := talking(call)
	s.Open = fredCard()
	return s
}

func many() desk.Call {
	call := fred(desk.Incoming)
	call.Name, call.NameFrom = c("Acme Ltd"), "SIP"
	call.Match = crm.Match{State: crm.MatchMany, Took: 41 * time.Millisecond, Hits: []crm.Hit{
		{Ref: crm.Ref{Type: "Contact", ID: "003000000000011", Name: c("Ann Carter")}, Detail: c("Harbour Marine Ltd"), Phone: c("+44 1202 528732")},
		{Ref: crm.Ref{Type: "Contact", ID: "003000000000012", Name: c("Bob Carter")}, Detail: c("Harbour Marine Ltd"), Phone: c("01202528732")},
		{Ref: crm.Ref{Type: "Lead", ID: "00Q000000000013", Name: c("Cleo Vance")}, Detail: c("Open – Not Contacted"), Phone: c("(01202) 528 732")},
	}}
	call.Remote.Number, call.Place = c("01202528732"), c("Bournemouth")
	call.Assoc = crm.Association{Rule: crm.RuleNone, Why: "many matches, nobody chose", Pick: true}
	call.Can = []desk.Verb{desk.Answer, desk.Reject, desk.Redirect, desk.SearchIn, desk.New, desk.Clear, desk.Note}
	return call
}

func with(call desk.Call, change func(*desk.Call)) desk.Call {
	change(&call)
	return call
}

func nobody() desk.Call {
	return with(fred(desk.Incoming), func(k *desk.Call) {
		k.Remote = sip.Party{Number: c("02079460123")}
		k.Name, k.NameFrom, k.Place = text.Text{}, "", c("London")
		k.Match = crm.Match{State: crm.MatchNone, Took: 28 * time.Millisecond}
		k.Assoc = crm.Association{Rule: crm.RuleNone, Why: "no match"}
		k.Can = []desk.Verb{desk.Answer, desk.Reject, desk.Redirect, desk.New, desk.SearchIn, desk.Clear, desk.Note}
	})
}

func internalCall() desk.Call {
	return with(fred(desk.Incoming), func(k *desk.Call) {
		k.Remote, k.Dir = sip.Party{Number: c("2104"), Name: c("Maya (Dispatch)")}, crm.Internal
		k.Name, k.NameFrom = c("Maya (Dispatch)"), "SIP"
		k.Match = crm.Match{State: crm.MatchInternal}
		k.Assoc = crm.Association{Rule: crm.RuleNothing, Why: "internal call"}
		k.Can = []desk.Verb{desk.Answer, desk.Reject, desk.Redirect, desk.Note}
	})
}

func withheld() desk.Call {
	return with(fred(desk.Incoming), func(k *desk.Call) {
		k.Remote = sip.Party{Withheld: true}
		k.Name, k.NameFrom = text.Text{}, ""
		k.Match = crm.Match{State: crm.MatchWithheld}
		k.Assoc = crm.Association{Rule: crm.RuleNothing, Why: "number withheld"}
		k.Can = []desk.Verb{desk.Answer, desk.Reject, desk.Redirect, desk.New, desk.SearchIn, desk.Clear, desk.Note}
	})
}

func searching() desk.Call {
	return with(fred(desk.Incoming), func(k *desk.Call) {
		k.Name, k.NameFrom = c("BLOGGS F"), "SIP"
		k.Match = crm.Match{State: crm.MatchSearching}
		k.Assoc = crm.Association{Rule: crm.RuleNone, Why: "looking up"}
	})
}

func second() desk.Call {
	return with(nobody(), func(k *desk.Call) { k.Key = "k2" })
}

func leadForm() *crm.Form {
	return &crm.Form{Object: "Lead", Label: c("Lead"), Fields: []crm.FormField{
		{Name: "FirstName", Label: c("First Name"), Type: "string", Length: 40},
		{Name: "LastName", Label: c("Last Name"), Type: "string", Required: true, Length: 80},
		{Name: "Company", Label: c("Company"), Type: "string", Required: true, Length: 255},
		{Name: "Phone", Label: c("Phone"), Type: "phone", Value: text.CleanBlock("02079460123", 100), Length: 40},
		{Name: "Email", Label: c("Email"), Type: "email", Length: 80},
		{Name: "LeadSource", Label: c("Lead Source"), Type: "picklist", Options: []text.Text{c("Web"), c("Phone Inquiry"), c("Partner Referral"), c("Other")}, Value: text.CleanBlock("Phone Inquiry", 100)},
		{Name: "Status", Label: c("Lead Status"), Type: "picklist", Required: true, Options: []text.Text{c("Open - Not Contacted"), c("Working - Contacted")}, Value: text.CleanBlock("Open - Not Contacted", 100)},
		{Name: "DoNotCall", Label: c("Do Not Call"), Type: "boolean"},
	}}
}

func withForm() *desk.Snapshot {
	s := talking(with(nobody(), func(k *desk.Call) {
		t := fred(desk.Talking)
		k.State, k.Answered, k.Started, k.Codec, k.Quality, k.Can = desk.Talking, t.Answered, t.Started, "PCMA", t.Quality, t.Can
	}))
	s.Form, s.FormFor = leadForm(), "k1"
	return s
}

func withSearch() *desk.Snapshot {
	call := many()
	s := ringing(call)
	s.Search = &desk.Search{For: "k1", Query: c("01202528732"), Hits: call.Match.Hits}
	return s
}

func demo(s *desk.Snapshot, caption string) *desk.Snapshot {
	s.Agent.Demo, s.Caption = true, c(caption)
	return s
}

func dead() *desk.Snapshot {
	s := landed(idle())
	s.Outbox = desk.Outbox{Pending: 2, Dead: 1, Oldest: ago(7 * time.Minute)}
	s.Calls = []desk.Call{with(fred(desk.Talking), func(k *desk.Call) {
		k.State, k.EndedAt, k.Cause, k.Record, k.Quality = desk.Ended, ago(10*time.Second), c("the customer hung up"), desk.RecordDead, nil
		k.Can = []desk.Verb{desk.Dismiss}
	})}
	s.Notices = []desk.Notice{{ID: 7, Severity: desk.Problem, Text: c("Salesforce refused the record of the call with Fred Bloggs: FIELD_CUSTOM_VALIDATION_EXCEPTION. The call is safe on disk; fix it with offhook outbox show.")}}
	return s
}

func trouble() *desk.Snapshot {
	s := landed(idle())
	s.State = desk.Offline
	s.Links.SIP = desk.Link{Health: desk.HealthDown, Text: c("the registrar does not answer, next try in 8 s")}
	s.Links.Salesforce = desk.Link{Health: desk.HealthWarn, Text: c("not reachable: callers are not looked up")}
	s.Links.Sound = desk.Link{Health: desk.HealthWarn, Text: c("no sound server")}
	s.Outbox = desk.Outbox{Pending: 3, Oldest: ago(12 * time.Minute), Paused: c("Salesforce is not reachable")}
	s.Notices = []desk.Notice{
		{ID: 1, Severity: desk.Info, Text: c("The headset is back: calls use it again.")},
		{ID: 2, Severity: desk.Warning, Text: c("Salesforce does not answer: the caller is not looked up, the record is sent later.")},
		{ID: 3, Severity: desk.Problem, Text: c("No registration at pbx.practice.example: no call can come in. offhook keeps trying; r tries now.")},
	}
	return s
}

// everywhere puts one text into every place that shows text from outside.
func everywhere(s string) *desk.Snapshot {
	t := c(s)
	call := with(fred(desk.Talking), func(k *desk.Call) {
		k.Name, k.Place, k.Called, k.Remote.Number, k.Cause = t, t, t, t, t
		k.Match.Hits = []crm.Hit{{Ref: crm.Ref{Type: "Contact", ID: "003000000000077", Name: t}, Detail: t, Phone: t}}
		k.Assoc = crm.Association{Rule: crm.RuleOneMatch, Why: "the only match", Who: crm.Ref{Type: "Contact", ID: "003000000000077", Name: t}, What: crm.Ref{Type: "Case", ID: "500000000000077", Name: t}}
		k.Notes, k.Muted, k.HeldByThem, k.DTMFOut = text.CleanBlock(s+" "+s, 1000), true, true, t
		k.Transfer = &desk.Transfer{Target: t, Text: t, Failed: true}
		k.Diverted = &sip.Party{Number: t, Name: t}
		k.Vars = []sip.Var{{Name: t, Value: t, Show: true}, {Name: t, Value: t, Show: true}}
		k.Broken, k.Conference, k.Recording, k.Signaling = t, true, sip.RecordingOn, s
	})
	out := demo(talking(call, with(call, func(k *desk.Call) { k.Key, k.State = "k2", desk.Held })), s)
	card := *fredCard()
	card.Name, card.Label = t, t
	for i := range card.Fields {
		card.Fields[i].Label, card.Fields[i].Value = t, t
	}
	for i := range card.Related {
		card.Related[i].Name, card.Related[i].Detail = t, t
	}
	out.Open, out.Agent.Account, out.Agent.User = &card, t, t
	for _, l := range []*desk.Link{&out.Links.SIP, &out.Links.Sound, &out.Links.Hub, &out.Links.Disk} {
		l.Text, l.Health = t, desk.HealthDown
	}
	for i := range out.Landed {
		out.Landed[i].Subject, out.Landed[i].About.Name = t, t
	}
	out.Forward, out.DND = &desk.Forwards{When: desk.ForwardBusy, To: t}, true
	out.Lamps = []desk.Lamp{{Number: t, Name: t, State: desk.LampBusy, With: t}, {Number: t, Name: t}}
	out.Notices = []desk.Notice{{ID: 1, Severity: desk.Warning, Text: t}, {ID: 2, Severity: desk.Problem, Text: t}}
	return out
}
