package dialog

import (
	"errors"
	"fmt"
	"strings"

	"offhook/sip/transaction"
)

// Replaces names the dialog that an INVITE is to take the place of (RFC 3891 §6.1), as whoever receives the INVITE sees it: ToTag is
// the receiver's own tag, FromTag that of its far end.
type Replaces struct {
	CallID, ToTag, FromTag string
	EarlyOnly              bool // not if it has been answered
}

// ErrReplaces: a Replaces header that cannot be read.
var ErrReplaces = errors.New("bad Replaces")

// maxName bounds a Call-ID or tag that a stranger names to us.
const maxName = 512

// ParseReplaces reads the value of a Replaces header, unescaped where it stood in a URI. Errors wrap ErrReplaces.
func ParseReplaces(value string) (Replaces, error) {
	callID, rest, _ := strings.Cut(value, ";")
	callID = strings.Trim(callID, " \t")
	if callID == "" || len(value) > 3*maxName || strings.ContainsFunc(callID, unnamed) {
		return Replaces{}, fmt.Errorf("%w: no Call-ID", ErrReplaces)
	}
	params, err := transaction.ParseParams(rest)
	if err != nil {
		return Replaces{}, fmt.Errorf("%w: %w", ErrReplaces, err)
	}
	r := Replaces{CallID: callID}
	seen := map[string]bool{}
	for _, p := range params {
		name := strings.ToLower(p.Name)
		switch name {
		case "to-tag":
			r.ToTag = p.Value
		case "from-tag":
			r.FromTag = p.Value
		case "early-only":
			r.EarlyOnly = true
		default:
			continue
		}
		if seen[name] {
			return Replaces{}, fmt.Errorf("%w: %s twice", ErrReplaces, name)
		}
		seen[name] = true
	}
	if r.ToTag == "" || r.FromTag == "" || strings.ContainsFunc(r.ToTag+r.FromTag, unnamed) {
		return Replaces{}, fmt.Errorf("%w: a tag is missing", ErrReplaces)
	}
	return r, nil
}

// unnamed is what stands in no Call-ID and no tag.
func unnamed(r rune) bool { return r <= ' ' || r >= 0x7f || r == ',' }

// String writes the header's value.
func (r Replaces) String() string {
	p := transaction.Params{{Name: "to-tag", Value: r.ToTag, Has: true}, {Name: "from-tag", Value: r.FromTag, Has: true}}
	if r.EarlyOnly {
		p = append(p, transaction.Param{Name: "early-only"})
	}
	return r.CallID + p.String()
}

// ReplacesThis names the session's dialog for an INVITE to its far end: the to-tag is theirs, the from-tag ours. A far end without a
// tag, of RFC 2543, is called "0" (RFC 3891 §3). To be called on the loop.
func (s *Session) ReplacesThis() Replaces {
	tag := s.id.remote.Tag()
	if tag == "" {
		tag = "0"
	}
	return Replaces{CallID: s.id.callID, ToTag: tag, FromTag: s.localTag}
}

// Replacing is the session that an incoming one takes the place of when it is answered; nil: none. It may have ended meanwhile.
func (s *Session) Replacing() *Session { return s.replaces }

// Find is the session, ended ones of the last half minute included, whose dialog r names; nil when there is none. To be called on the
// loop.
func (u *UA) Find(r Replaces) *Session {
	s := u.sessions[key{r.CallID, r.ToTag}]
	if s == nil {
		return nil
	}
	same := func(tag string) bool { return tag == r.FromTag || tag == "" && r.FromTag == "0" }
	if tag := s.id.remote.Tag(); tag != "" || s.call == nil {
		if same(tag) {
			return s
		}
		return nil
	}
	for tag := range s.call.forks { // not answered: each that rings is an early dialog of its own
		if same(tag) {
			return s
		}
	}
	return nil
}

// replacing finds the session that a new INVITE wants to replace (RFC 3891 §3). When the result is false, the INVITE has been answered.
func (u *UA) replacing(tx *transaction.ServerTx, req *transaction.Request) (*Session, bool) {
	values := req.Headers.Values("Replaces")
	if len(values) == 0 {
		return nil, true
	}
	if len(values) > 1 || req.Headers.Has("Join") { // RFC 3911 §4: they contradict each other
		respond(tx, 400, "Only one dialog can be replaced")
		return nil, false
	}
	r, err := ParseReplaces(values[0])
	if err != nil {
		respond(tx, 400, "Bad Replaces")
		return nil, false
	}
	old := u.Find(r)
	code, reason := 0, ""
	switch {
	case old == nil, old.state == early && !old.outgoing:
		code = 481
	case old.state == ended:
		code = 603
	case r.EarlyOnly && old.state != early:
		code, reason = 486, "Already answered"
	case u.cfg.Replaces != nil && !u.cfg.Replaces(old, req):
		code = 403
	}
	if code != 0 {
		respond(tx, code, reason)
		return nil, false
	}
	return old, true
}

// takeOver ends the session that this one, which has just been answered, replaces: BYE, or CANCEL while it rings (RFC 3891 §3).
func (s *Session) takeOver() {
	old := s.replaces
	if old == nil {
		return
	}
	over := Ended{Cause: CauseReplaced, ByUs: true}
	switch old.state {
	case early:
		old.call.limit.stop()
		old.finish(over)
		old.call.o.cancel(nil)
	case accepted: // the BYE waits for the ACK
		old.finish(over)
	case confirmed:
		old.forgetAll()
		old.finish(over)
		old.ua.bye(&old.id, "")
	}
}
