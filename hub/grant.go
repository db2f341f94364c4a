package hub

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"offhook/desk"
	"offhook/internal/text"
)

// Verb is what a supervisor may ask for.
type Verb string

// Verbs. Logout asks for it when the call has ended: the desk takes no further call and the agent is told why.
const (
	ForceAvailable Verb = "available"
	ForceAway      Verb = "away"   // Text: reason
	Logout         Verb = "logout" // at call end
	Message        Verb = "notice" // Text: one line for the agent
	Monitor        Verb = "monitor"
)

// Mode is how a supervisor takes part in a call.
type Mode string

// Modes of Monitor.
const (
	Listen   Mode = "listen"
	Whisper  Mode = "whisper"
	Barge    Mode = "barge"
	Takeover Mode = "takeover"
)

// Order is a supervisor's wish, for which the hub gives a grant.
type Order struct {
	Agent string       `json:"agent"` // site.team.agent
	Verb  Verb         `json:"verb"`
	Mode  Mode         `json:"mode,omitempty"`
	Call  desk.CallKey `json:"call,omitempty"`
	Text  text.Text    `json:"text,omitzero"`
}

// maxOrderText is how many characters of a message or a reason are carried.
const maxOrderText = 160

// check says why an order makes no sense.
func (o Order) check() *Refusal {
	if _, err := ParseKey(o.Agent); err != nil {
		return &Refusal{CodeUnknown, "The order names no agent."}
	}
	switch o.Verb {
	case ForceAvailable, ForceAway, Logout:
	case Message:
		if o.Text.Empty() {
			return &Refusal{CodeUnknown, "There is no message to deliver."}
		}
	case Monitor:
		switch o.Mode {
		case Listen, Whisper, Barge, Takeover:
		default:
			return &Refusal{CodeUnknown, "There is no such way to take part in a call."}
		}
		if o.Call == "" {
			return &Refusal{CodeUnknown, "The order names no call to take part in."}
		}
	default:
		return &Refusal{CodeUnknown, "Supervisors cannot ask for that."}
	}
	return nil
}

// GrantLife is how long a grant can be used.
const GrantLife = 15 * time.Second

// Grant is a one-shot permission, signed by the hub, for one supervisor to ask one thing of one desk.
type Grant struct {
	V          int       `json:"v"`
	Supervisor text.Text `json:"supervisor"`
	Order
	Nonce  string `json:"nonce"`
	Issued int64  `json:"iat"` // milliseconds, hub's clock
	Exp    int64  `json:"exp"`
}

// Signed is a grant on the wire: its exact bytes and the hub's signature of them.
type Signed struct {
	Grant []byte `json:"grant"`
	Sig   []byte `json:"sig"`
}

// signingDomain keeps a signature of a grant from being one of anything else.
const signingDomain = "offhook grant v1\x00"

// newGrant makes a grant for an order that was checked.
func newGrant(supervisor text.Text, o Order, now time.Time) Grant {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails (crypto/rand, Go 1.24)
	o.Text = o.Text.Runes(maxOrderText)
	return Grant{
		V: 1, Supervisor: supervisor.Runes(40), Order: o, Nonce: base64.RawURLEncoding.EncodeToString(nonce),
		Issued: now.UnixMilli(), Exp: now.Add(GrantLife).UnixMilli(),
	}
}

func (g Grant) sign(key ed25519.PrivateKey) (Signed, error) {
	b, err := json.Marshal(g)
	if err != nil {
		return Signed{}, err
	}
	return Signed{b, ed25519.Sign(key, append([]byte(signingDomain), b...))}, nil
}

// Code says why something was refused, for programs.
type Code string

// Codes of a refusal.
const (
	CodeForged   Code = "forged"   // not signed by this hub
	CodeExpired  Code = "expired"  // too old, or made before this desk began
	CodeReplayed Code = "replayed" // used before
	CodeForeign  Code = "foreign"  // for another agent
	CodeUnknown  Code = "unknown"  // makes no sense
	CodeOver     Code = "over"     // the call has ended
	CodePolicy   Code = "policy"   // the desk's policy forbids it
	CodeLater    Code = "later"    // not built yet
	CodeBusy     Code = "busy"     // the desk does not keep up
	CodeNobody   Code = "nobody"   // no such desk is connected
	CodeDown     Code = "down"     // the hub is not reachable
)

// Refusal is an error with a code and one line for the supervisor.
type Refusal struct {
	Code Code   `json:"code"`
	Line string `json:"line"`
}

func (r *Refusal) Error() string { return r.Line }

// maxNonces bounds what a verifier remembers; more grants within fifteen seconds are an attack.
const maxNonces = 4096

// verifier is the desk's side: it lets each grant through once, in time, for this agent only.
type verifier struct {
	agent string
	began time.Time // grants made before that may have been used by the desk's last run

	mu   sync.Mutex
	key  ed25519.PublicKey
	seen map[string]int64 // nonce → exp
}

func newVerifier(agent string, began time.Time) *verifier {
	return &verifier{agent: agent, began: began, seen: map[string]int64{}}
}

// trust sets the hub's public key.
func (v *verifier) trust(key ed25519.PublicKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.key = key
}

// check verifies a grant at the time now of the hub's clock and uses it up.
func (v *verifier) check(now time.Time, s Signed) (Grant, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.key) != ed25519.PublicKeySize || !ed25519.Verify(v.key, append([]byte(signingDomain), s.Grant...), s.Sig) {
		return Grant{}, &Refusal{CodeForged, "The grant is not signed by this team's hub."}
	}
	var g Grant
	if err := json.Unmarshal(s.Grant, &g); err != nil || g.V != 1 || g.Nonce == "" {
		return Grant{}, &Refusal{CodeUnknown, "The grant cannot be read; it was made by another version."}
	}
	g.Supervisor, g.Text = g.Supervisor.Runes(40), g.Text.Runes(maxOrderText)
	t := now.UnixMilli()
	switch {
	case g.Agent != v.agent:
		return g, &Refusal{CodeForeign, "The grant is for another agent."}
	case t > g.Exp, g.Exp-g.Issued > GrantLife.Milliseconds(), g.Exp-t > 2*GrantLife.Milliseconds(), g.Issued < v.began.UnixMilli():
		return g, &Refusal{CodeExpired, "The grant has expired; ask again."}
	}
	if r := g.check(); r != nil {
		return g, r
	}
	for n, exp := range v.seen {
		if exp < t {
			delete(v.seen, n)
		}
	}
	if _, used := v.seen[g.Nonce]; used {
		return g, &Refusal{CodeReplayed, "The grant was used before."}
	}
	if len(v.seen) >= maxNonces {
		return g, &Refusal{CodeBusy, "The desk got too many orders within seconds."}
	}
	v.seen[g.Nonce] = g.Exp
	return g, nil
}

// Granted is an order that a desk has accepted: what to post to the desk, in this order.
type Granted struct {
	Grant  Grant
	Events []desk.Event
}

// events turns a grant into what the desk understands. The agent always reads who asked.
func (g Grant) events() ([]desk.Event, error) {
	who := g.Supervisor.String()
	if who == "" {
		who = "A supervisor"
	}
	tell := func(sev desk.Severity, format string, args ...any) desk.Event {
		return desk.Told{Severity: sev, Text: text.Clean(fmt.Sprintf(format, args...))}
	}
	switch g.Verb {
	case ForceAvailable:
		return []desk.Event{desk.Commanded{Command: desk.Command{Verb: desk.GoAvailable, By: g.Supervisor}},
			tell(desk.Info, "%s made you available: calls come in.", who)}, nil
	case ForceAway:
		why := ""
		if !g.Text.Empty() {
			why = " (" + g.Text.String() + ")"
		}
		return []desk.Event{desk.Commanded{Command: desk.Command{Verb: desk.GoAway, Text: g.Text.String(), By: g.Supervisor}},
			tell(desk.Warning, "%s set you away%s: no calls come in after this moment.", who, why)}, nil
	case Logout:
		return []desk.Event{desk.Commanded{Command: desk.Command{Verb: desk.GoAway, Text: "logout", By: g.Supervisor}},
			tell(desk.Warning, "%s asks you to log out when your call has ended: no more calls come in.", who)}, nil
	case Message:
		return []desk.Event{tell(desk.Info, "%s: %s", who, g.Text)}, nil
	case Monitor:
		return nil, &Refusal{CodeLater, "Taking part in calls comes later: this desk cannot do it yet."}
	}
	return nil, &Refusal{CodeUnknown, "Supervisors cannot ask for that."}
}
