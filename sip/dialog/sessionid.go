package dialog

import (
	"strings"
	"sync/atomic"

	"offhook/sip/transaction"
)

// sessionID names a call from one end to the other, past servers that change Call-ID and tags (RFC 7989): the UUIDs of both
// ends, in 32 lower-case hexadecimal digits.
type sessionID struct{ local, remote string }

// nilUUID stands for a far end that has not said its own yet (§6).
const nilUUID = "00000000000000000000000000000000"

func newSessionID() sessionID { return sessionID{local: transaction.NewCallID()} } // 128 random bits

// String is the header value, "" without a UUID of ours.
func (id sessionID) String() string {
	switch {
	case id.local == "":
		return ""
	case id.remote == "":
		return id.local + ";remote=" + nilUUID
	}
	return id.local + ";remote=" + id.remote
}

// read takes the far end's UUID from a message of its own. It may change in the middle of a call, when a server connects us to somebody
// else (§10.4).
func (id *sessionID) read(h transaction.Headers) {
	if uuid, ok := readSessionID(h.Get("Session-ID")); ok && uuid != nilUUID {
		id.remote = uuid
	}
}

// readSessionID finds the UUID of the sender in a Session-ID value. The form before RFC 7989 had no remote parameter (RFC 7329).
func readSessionID(v string) (string, bool) {
	uuid, _, _ := strings.Cut(v, ";")
	uuid = strings.ToLower(strings.TrimSpace(uuid))
	return uuid, isUUID(uuid)
}

func isUUID(s string) bool {
	return len(s) == len(nilUUID) && strings.Trim(s, "0123456789abcdef") == ""
}

// SessionID is the call's Session-ID as both ends know it now, "<ours>;remote=<theirs>" with zeros while theirs is unknown: to
// find the same call in the records of other systems (RFC 7989). It may be called from anywhere.
func (s *Session) SessionID() string {
	if v := s.sid.Load(); v != nil {
		return *v
	}
	return ""
}

// identify makes what the dialog knows of the Session-ID readable from outside, and puts it on all responses of tx, if not nil.
func (s *Session) identify(d *ident, tx *transaction.ServerTx) {
	v := d.sid.String()
	if old := s.sid.Load(); old == nil || *old != v {
		s.sid.Store(&v)
	}
	if tx != nil {
		tx.Stamp("Session-ID", v)
	}
}

type sharedString = atomic.Pointer[string]
