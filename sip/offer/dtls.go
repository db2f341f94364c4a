package offer

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
)

// hashLengths are the octets of the fingerprints that are taken: those that package media verifies. Who names another hash
// alone is refused before it rings, instead of being answered without sound.
var hashLengths = map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}

// maxFingerprints of one stream are looked at.
const maxFingerprints = 16

// parseFingerprint reads "SHA-256 ab:cd:…" into the one form "sha-256 AB:CD:…" (RFC 8122 §5).
func parseFingerprint(v string) (string, bool) {
	f := strings.Fields(v)
	if len(f) != 2 {
		return "", false
	}
	hash := strings.ToLower(f[0])
	raw, err := hex.DecodeString(strings.ReplaceAll(f[1], ":", ""))
	if n := hashLengths[hash]; err != nil || n == 0 || len(raw) != n || len(f[1]) != 3*n-1 {
		return "", false
	}
	for i := 2; i < len(f[1]); i += 3 {
		if f[1][i] != ':' {
			return "", false
		}
	}
	return hash + " " + strings.ToUpper(f[1]), true
}

// parseSetup reads an a=setup value (RFC 4145 §4); what is none is like no line.
func parseSetup(v string) string {
	switch v = strings.ToLower(strings.TrimSpace(v)); v {
	case "active", "passive", "actpass", "holdconn":
		return v
	}
	return ""
}

// association is the DTLS association of a session (RFC 8842 §4). The zero value is none.
type association struct {
	count   int  // of those that there have been
	live    bool // this one is
	client  bool
	local   string   // our fingerprint
	remote  []string // theirs, sorted
	theirID string   // a=tls-id
	ownID   string   // ours, once they use it
}

// role decides who begins the handshake, from their a=setup; offering is true when it stands in an answer to us. What is not
// said is said by RFC 4145 §4: active in an offer, passive in an answer. ok is false when there can be none.
func (t *Terms) role(st stream, offering bool) (client, ok bool) {
	same := t.assoc.live && !t.changed(st)
	switch st.setup {
	case "active":
		return false, true
	case "passive":
		return true, true
	case "holdconn":
		return t.assoc.client, same
	case "actpass":
		if offering { // which an answer may not say
			return true, true
		}
		if same { // the association stays, and so does its role (RFC 8842 §5.3)
			return t.assoc.client, true
		}
		// The answerer begins, so that nothing waits for the answer (RFC 5763 §5). But who still writes a=connection, which RFC 8842
		// does without, is an Asterisk: without ICE it drops the association after each exchange. Then it begins the next one
		// itself, or waits in silence for us, who cannot know. So it shall be the one to begin.
		return !st.connection || st.ice != nil, true
	}
	return offering, true
}

// changed: what they say, or what we now are, cannot belong to the association that there is.
func (t *Terms) changed(st stream) bool {
	a := t.assoc
	return a.local != t.local.Security.Fingerprint || !slices.Equal(a.remote, sorted(st.fingerprints)) ||
		a.theirID != "" && st.tlsID != "" && a.theirID != st.tlsID
}

// associate makes what was agreed the association of the session, a new one when it must be.
func (t *Terms) associate(st stream, client bool) *DTLS {
	restart := false
	// Where an Asterisk waits for us after all, this line sometimes tells; where we wait for it, its handshake does.
	if !t.assoc.live || t.changed(st) || client != t.assoc.client || st.newConnection && client {
		restart = t.assoc.live
		t.assoc = association{
			count: t.assoc.count + 1, live: true, client: client, local: t.local.Security.Fingerprint, remote: sorted(st.fingerprints),
		}
	}
	if st.tlsID != "" {
		t.assoc.theirID = st.tlsID
		if t.assoc.ownID == "" {
			t.assoc.ownID = rand.Text()
		}
	}
	return &DTLS{Fingerprints: slices.Clone(t.assoc.remote), Client: client, Restart: restart, Association: t.assoc.count}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}
