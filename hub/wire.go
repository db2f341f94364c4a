package hub

import (
	"encoding/json"
	"fmt"
	"time"

	"offhook/internal/text"
)

// Subjects of the bus. Where a subject ends in a user's own name, that user alone may publish there, so that the name is
// proof of who speaks.
const (
	bucket       = "agents" // KV, memory
	kvPrefix     = "$KV." + bucket + "."
	helloSubject = "hub.hello"      // request: the hub's clock and public key
	grantSubject = "hub.grant."     // + supervisor: request for a grant
	cmdSubject   = "cmd."           // + team.agent: a granted order
	callsSubject = "evt.calls."     // + team: calls that have ended
	auditAgent   = "audit.agent."   // + site.team.agent: what a desk did with a grant
	auditHub     = "audit.hub"      // what the hub did
	callsStream  = "calls"          // file, 7 days
	auditStream  = "audit"          // file, append only
	roleAgent    = "agent."         // + site.team.agent: user name
	roleBoss     = "supervisor."    // + name: user name
	serviceUser  = "service"        // the hub itself
	ttlHeader    = "Nats-TTL"       // life of a key
	dedupHeader  = "Nats-Msg-Id"    // a call is told once
	streamOfKV   = "KV_" + bucket   //
	inboxPrefix  = "_INBOX."        // + user name: nobody reads another's answers
	bodyLimit    = 4 << 10          // bytes of any request or answer
	requestLimit = 2 * time.Second  // a loopback answer takes under a millisecond
	agentTTL     = 30 * time.Second // of a live agent's key
	offlineTTL   = 12 * time.Hour   // of an agent who has left: a shift
)

// How often things are told.
const (
	// Heartbeat is how often an agent says that nothing has changed.
	Heartbeat = 10 * time.Second
	// StaleAfter is how long an agent may be silent before the board doubts its state: one lost heartbeat and a half.
	StaleAfter = 15 * time.Second
	// OfflineAfter is how long an agent may be silent before it counts as gone.
	OfflineAfter = agentTTL
	// fastest is the shortest time between two values of one agent, and between two changes of a board.
	fastest = 100 * time.Millisecond
)

// hello is the hub's answer on helloSubject.
type hello struct {
	V   int    `json:"v"`
	Key []byte `json:"key"` // ed25519 public key
	Now int64  `json:"now"` // milliseconds, hub's clock
}

// answer is the reply to a request for a grant or to a granted order.
type answer struct {
	V      int      `json:"v"`
	Signed *Signed  `json:"grant,omitempty"`
	Refuse *Refusal `json:"refused,omitempty"`
	Line   string   `json:"line,omitempty"` // what was done
}

func decodeAnswer(b []byte) (answer, error) {
	var a answer
	if len(b) > bodyLimit {
		return a, fmt.Errorf("an answer of %d bytes", len(b))
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, err
	}
	a.Line = text.Clean(a.Line).Runes(200).String()
	if a.Refuse != nil {
		a.Refuse.Line = text.Clean(a.Refuse.Line).Runes(200).String()
		a.Refuse.Code = Code(clip(string(a.Refuse.Code), 16))
	}
	return a, nil
}

// AuditEntry is one line of the audit, on audit.>.
type AuditEntry struct {
	V          int       `json:"v"`
	At         time.Time `json:"at"`
	Event      string    `json:"event"` // grant.issued, grant.denied, grant.used, grant.refused, agent.lost, agent.left, agent.came
	Agent      string    `json:"agent,omitempty"`
	Supervisor text.Text `json:"supervisor,omitzero"`
	Verb       Verb      `json:"verb,omitempty"`
	Mode       Mode      `json:"mode,omitempty"`
	Call       string    `json:"call,omitempty"`
	Nonce      string    `json:"nonce,omitempty"`
	Code       Code      `json:"code,omitempty"` // why it was refused
}

// mustJSON encodes our own types, which cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("hub: " + err.Error())
	}
	return b
}
