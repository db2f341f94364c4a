package dialog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestADialogInfoDocumentIsRead(t *testing.T) {
	doc, err := ParseDialogInfo([]byte(`<?xml version="1.0" encoding="UTF-8"?>
<di:dialog-info xmlns:di="urn:ietf:params:xml:ns:dialog-info" xmlns:sa="urn:ietf:params:xml:ns:sa-dialog-info" version="17" state="partial" entity="sip:bob@example.com">
  <!-- a call -->
  <di:dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774" remote-tag="456887766" direction="initiator">
    <sa:exclusive>yes</sa:exclusive>
    <di:state event="rejected" code="486"> Terminated
    </di:state>
    <di:duration>274</di:duration>
    <di:local><di:identity display="Bob &amp; Co">sip:bob@example.com</di:identity>
      <di:target uri="sip:bob@pc33.example.com"><di:param pname="+sip.rendering" pval="no"/></di:target></di:local>
    <di:remote><di:identity display="Alice">sip:alice@example.com;x=1</di:identity><di:target uri="sip:alice@192.0.2.1"/></di:remote>
  </di:dialog>
  <sa:dialog id="not one"><sa:state>confirmed</sa:state></sa:dialog>
</di:dialog-info>`))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Version != 17 || doc.Full || doc.Entity != "sip:bob@example.com" || len(doc.Dialogs) != 1 {
		t.Fatalf("%+v", doc)
	}
	d := doc.Dialogs[0]
	if d.ID != "as7d900as8" || d.CallID != "a84b4c76e66710" || d.LocalTag != "1928301774" || d.RemoteTag != "456887766" || !d.Initiator ||
		d.State != "terminated" || d.Event != "rejected" || d.Code != 486 || d.Local.Identity.Display != "Bob & Co" || !d.Local.OnHold ||
		d.Remote.Identity.URI.User != "alice" || d.Remote.Target != "sip:alice@192.0.2.1" || d.Remote.OnHold {
		t.Errorf("%+v", d)
	}
	// As Asterisk writes it, and one that leaves the namespace out.
	for _, text := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:6001@192.0.2.1"><dialog id="6001" direction="recipient"><state>early</state></dialog></dialog-info>`,
		`<dialog-info version="0" entity="x"><dialog id="6001"><state>early</state></dialog></dialog-info>`,
	} {
		doc, err := ParseDialogInfo([]byte(text))
		if lamp, _ := LampOf(doc.Dialogs); err != nil || !doc.Full || lamp != LampRinging {
			t.Errorf("%+v %v", doc, err)
		}
	}
}

// bomb grows to gigabytes when its entities are believed.
const bomb = `<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>` +
	`<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="&c;"/>`

func TestAHostileDocumentIsRefused(t *testing.T) {
	head := `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="x">`
	for name, text := range map[string]string{
		"nothing":           "",
		"rubbish":           "hello",
		"another document":  `<presence xmlns="urn:ietf:params:xml:ns:pidf"/>`,
		"another namespace": `<dialog-info xmlns="urn:x" version="0"/>`,
		"no version":        `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"/>`,
		"a huge version":    `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="99999999999"/>`,
		"an entity bomb":    bomb,
		"a file":            `<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]>` + head + `&f;</dialog-info>`,
		"an unknown entity": head + `&nbsp;</dialog-info>`,
		"too deep":          head + strings.Repeat("<a>", 10000) + strings.Repeat("</a>", 10000) + `</dialog-info>`,
		"too many":          head + strings.Repeat(`<dialog id="a"/>`, maxDialogs+1) + `</dialog-info>`,
		"too large":         head + strings.Repeat(" ", maxInfo) + `</dialog-info>`,
		"not closed":        head,
		"two documents":     head + "</dialog-info>" + head + "</dialog-info>",
		"without id":        head + `<dialog/></dialog-info>`,
		"another encoding":  `<?xml version="1.0" encoding="EBCDIC"?>` + head + "</dialog-info>",
	} {
		if doc, err := ParseDialogInfo([]byte(text)); !errors.Is(err, ErrDialogInfo) {
			t.Errorf("%s: %+v, %v", name, doc, err)
		}
	}
}

func FuzzDialogInfo(f *testing.F) {
	f.Add([]byte(info(0, "full", dlg("a", "recipient", "early"))), []byte(info(1, "partial", dlg("a", "initiator", "terminated"))))
	f.Add([]byte(bomb), []byte(`<x:dialog-info xmlns:x="urn:ietf:params:xml:ns:dialog-info" version="1"><x:dialog id="1"><x:local><x:identity display="&lt;">sip:a@b</x:identity></x:local></x:dialog></x:dialog-info>`))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var l lamps
		for _, body := range [][]byte{one, two} {
			doc, err := ParseDialogInfo(body)
			if err != nil {
				continue
			}
			l.apply(doc)
			seen := map[string]bool{}
			for _, d := range l.list {
				if d.ID == "" || d.State == "terminated" || len(l.list) > maxDialogs {
					t.Fatalf("%+v", l.list)
				}
				seen[d.ID] = true
			}
			if doc.Full && len(doc.Dialogs) < len(seen) {
				t.Fatalf("%d dialogs of %d", len(seen), len(doc.Dialogs))
			}
			LampOf(l.list)
		}
	})
}

func TestAMessageSummaryIsRead(t *testing.T) {
	for _, tc := range []struct {
		body string
		want MessageSummary
		ok   bool
	}{
		{"Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n\r\nSubject: call me\r\n",
			MessageSummary{Waiting: true, Account: "sip:alice@vmail.example.com", Told: true, New: 2, Old: 8, UrgentOld: 2}, true},
		{"Messages-Waiting: no\n", MessageSummary{}, true},
		{"messages-waiting:YES\nvoice-message: 1/0\nFax-Message: 7/7\n", MessageSummary{Waiting: true, Told: true, New: 1}, true},
		{"Messages-Waiting: yes\r\nVoice-Message: many\r\n", MessageSummary{Waiting: true}, true},
		{"Messages-Waiting: yes\r\nVoice-Message: 4294967296/0, 1999999999/-1\r\n", MessageSummary{Waiting: true}, true},
		{"Voice-Message: 2/8\r\n", MessageSummary{}, false},
		{"", MessageSummary{}, false},
	} {
		got, err := ParseMessageSummary([]byte(tc.body))
		if tc.ok != (err == nil) || got != tc.want {
			t.Errorf("%q: %+v, %v", tc.body, got, err)
		}
	}
}

func FuzzMessageSummary(f *testing.F) {
	f.Add([]byte("Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseMessageSummary(body)
		if err == nil && (m.New < 0 || m.Old < 0 || m.UrgentNew < 0 || m.UrgentOld < 0 || len(m.Account) > maxName) {
			t.Fatal(fmt.Sprint(m))
		}
	})
}

func FuzzNotify(f *testing.F) {
	f.Add("dialog", "active;expires=600", "application/dialog-info+xml", info(3, "partial", dlg("a", "recipient", "early")))
	f.Add("dialog;id=1", "terminated;reason=probation;retry-after=99999999999", "", "")
	f.Add("refer;id=2", "terminated;reason=noresource", "message/sipfrag;version=2.0", "SIP/2.0 200 OK\r\n")
	f.Add("refer", "active", "message/sipfrag", "SIP/2.0 183 X\r\nContact: <sip:x>\r\n\r\n")
	f.Add("talk", "", "", "")
	f.Fuzz(func(t *testing.T, event, state, kind, body string) {
		if strings.ContainsAny(event+state+kind, "\r\n") || len(body) > 10_000 {
			return
		}
		virtually(t, func(t *testing.T, w *world) {
			x := w.watch("dialog", func(c *SubscribeConfig) { c.On = nil })
			sub := x.s.recv("SUBSCRIBE")
			s := w.script(nil)
			c, inv, refer := asking(t, x.p, s)
			s.reply(refer, "202 Accepted", "", "", "")
			for _, to := range []line{back(inv, "NOTIFY", 1), {method: "NOTIFY", callID: sub.get("Call-Id"), from: sub.get("To") + ";tag=n1", to: sub.get("From"), cseq: 1}} {
				out := s
				if to.callID == sub.get("Call-Id") {
					out = x.s
				}
				to.extra, to.kind, to.body = "Event: "+event+"\r\nSubscription-State: "+state+"\r\n", kind, body
				if body == "" {
					to.kind = ""
				}
				out.request(to)
				if m := out.recv("SIP/2.0"); m.code() < 200 || m.code() >= 500 {
					t.Fatalf("%s", m.start)
				}
			}
			x.sub.End()
			c.End("")
			x.p.settled()
		})
	})
}
