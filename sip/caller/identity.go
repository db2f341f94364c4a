package caller

import (
	"cmp"
	"slices"
	"strings"

	"offhook/sip/transaction"
)

// Verstat is what the network found when it checked the signature of a caller's number (RFC 8224; 3GPP TS 24.229 §7.2A.20;
// ATIS-1000082). "" says that nothing was told.
type Verstat string

// Verification states. The letters are attestations (RFC 8588): A, the operator knows the caller and that the number is
// theirs; B, it knows the caller; C, it knows only where the call came in.
const (
	VerstatPassedA   Verstat = "passed A"
	VerstatPassedB   Verstat = "passed B"
	VerstatPassedC   Verstat = "passed C"
	VerstatPassed    Verstat = "passed"
	VerstatFailed    Verstat = "failed"
	VerstatUnchecked Verstat = "not checked"
)

// parseVerstat reads "TN-Validation-Passed-A" and what operators make of it.
func parseVerstat(v string) Verstat {
	v = strings.ToLower(strings.Trim(strings.TrimSpace(v), `"`))
	switch rest, ok := strings.CutPrefix(v, "tn-validation-passed"); {
	case !ok:
	case rest == "-a":
		return VerstatPassedA
	case rest == "-b":
		return VerstatPassedB
	case rest == "-c":
		return VerstatPassedC
	default:
		return VerstatPassed
	}
	switch {
	case strings.HasPrefix(v, "tn-validation-failed"):
		return VerstatFailed
	case strings.HasPrefix(v, "no-tn-validation"):
		return VerstatUnchecked
	}
	return ""
}

// verstat finds the parameter in an address: of the number (in the user part, RFC 3261 §19.1.6), the URI or the header.
func verstat(a transaction.Address) Verstat {
	_, number, _ := strings.Cut(a.URI.User, ";")
	inUser, _ := transaction.ParseParams(number)
	for _, params := range []transaction.Params{inUser, a.URI.Params, a.Params} {
		if v, ok := params.Get("verstat"); ok {
			if s := parseVerstat(v); s != "" {
				return s
			}
		}
	}
	return ""
}

// verified is what a trusted network says of the caller: in the address that names them, else in the asserted ones, else in From.
// An operator may put the attestation in a header of its own.
func verified(h transaction.Headers, from *transaction.Address, named transaction.Address) Verstat {
	candidates := append([]transaction.Address{named}, h.Addresses("P-Asserted-Identity")...)
	if from != nil {
		candidates = append(candidates, *from)
	}
	for _, a := range candidates {
		s := verstat(a)
		if s == VerstatPassed {
			for _, name := range []string{"P-Attestation-Indicator", "X-Attestation-Indicator"} {
				if letter := parseVerstat("TN-Validation-Passed-" + strings.TrimSpace(h.Get(name))); letter != VerstatPassed {
					return letter
				}
			}
		}
		if s != "" {
			return s
		}
	}
	return ""
}

// privacy is what a Privacy header asks for (RFC 3323 §4.2, RFC 3325 §9.3).
type privacy struct {
	none              bool // said so: the network is to hide nothing
	id, user, header  bool
	session, critical bool
	history           bool // RFC 7044 §10.1
}

func privacyOf(h transaction.Headers) (p privacy) {
	for _, v := range h.Values("Privacy") {
		for word := range strings.SplitSeq(v, ";") {
			switch strings.ToLower(strings.TrimSpace(word)) {
			case "none":
				p.none = true
			case "id":
				p.id = true
			case "user":
				p.user = true
			case "header":
				p.header = true
			case "session":
				p.session = true
			case "critical":
				p.critical = true
			case "history":
				p.history = true
			}
		}
	}
	return p
}

// hides: the caller does not want to be named. "none" beside others contradicts them, and the safe side is theirs.
func (p privacy) hides() bool { return p.id || p.user || p.header }

// Identity is the remote party of a request or response: P-Asserted-Identity and Remote-Party-ID when trusted, else from,
// which is the From of their request. ok is false when the message names nobody.
func Identity(h transaction.Headers, from *transaction.Address, trusted bool) (Party, bool) {
	hidden := privacyOf(h).hides()
	if from != nil && Anonymous(*from) {
		hidden = true
	}
	who, ok := Party{}, false
	var named transaction.Address
	if trusted {
		if named, ok = asserted(h); ok {
			who = Of(named, FromAsserted, hidden)
		} else if named, ok = remotePartyID(h, from == nil); ok {
			who = remoteParty(named, hidden)
		}
	}
	if !ok {
		if from == nil {
			return Party{}, false
		}
		named, who = *from, Of(*from, FromHeader, hidden)
	}
	if trusted {
		who.Verstat = verified(h, from, named)
	}
	return who, true
}

// asserted prefers the sip URI of P-Asserted-Identity, which carries the name, to the tel URI beside it, unless only the
// latter holds a number (RFC 3325 §9.1 allows one of each). A name stands wherever it is.
func asserted(h transaction.Headers) (transaction.Address, bool) {
	var best transaction.Address
	found := false
	for _, a := range h.Addresses("P-Asserted-Identity") {
		switch {
		case !found:
			best, found = a, true
		case a.URI.Scheme == "tel" && !Digits(Number(best.URI).String()), best.URI.Scheme == "tel" && Digits(Number(a.URI).String()):
			a.Display = cmp.Or(a.Display, best.Display)
			best = a
		default:
			best.Display = cmp.Or(best.Display, a.Display)
		}
	}
	return best, found
}

// remotePartyID is the one that speaks of the far end (draft-ietf-sip-privacy-04 §6.2): the calling party of a request, the called
// one of a response; an entry that does not say is either. "screen=no" is taken as well: many exchanges that ask nobody
// write it always, and From is no better.
func remotePartyID(h transaction.Headers, response bool) (transaction.Address, bool) {
	want := "calling"
	if response {
		want = "called"
	}
	for _, exact := range []bool{true, false} {
		for _, a := range h.Addresses("Remote-Party-ID") {
			p, said := a.Params.Get("party")
			kind, _ := a.Params.Get("id-type")
			if kind != "" && !strings.EqualFold(kind, "subscriber") && !strings.EqualFold(kind, "user") {
				continue // "term": a terminal, no person
			}
			if said && strings.EqualFold(p, want) || !exact && (!said || !slices.Contains([]string{"redirecting", "redirected", "calling", "called"}, strings.ToLower(p))) {
				return a, true
			}
		}
	}
	return transaction.Address{}, false
}

// remoteParty obeys what a Remote-Party-ID says of itself: "full" and "uri" hide the number, "name" the name alone.
func remoteParty(a transaction.Address, hidden bool) Party {
	for _, p := range a.Params {
		if !strings.EqualFold(p.Name, "privacy") {
			continue
		}
		for word := range strings.FieldsFuncSeq(strings.ToLower(p.Value), func(r rune) bool { return r == ',' || r == ' ' }) {
			switch word {
			case "off", "ipaddr":
			case "name":
				a.Display = ""
			default:
				hidden = true
			}
		}
	}
	return Of(a, FromRemoteID, hidden)
}

// Withhold makes a call of ours one without a number: who the far end sees in From, and what tells the network alone who we
// are (RFC 3323 §4.1.1.3, RFC 3325 §9.2). critical refuses the call where that cannot be done.
func Withhold(own transaction.Address, critical bool) (from transaction.Address, headers transaction.Headers) {
	from = transaction.Address{Display: "Anonymous", URI: transaction.URI{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}}
	value := "id"
	if critical {
		value += ";critical"
	}
	headers.Add("Privacy", value)
	headers.Add("P-Preferred-Identity", preferred(own).String())
	return from, headers
}

// preferred is an address of ours without what belongs to one dialog or one flow.
func preferred(own transaction.Address) transaction.Address {
	u := own.URI
	u.Password, u.Headers, u.Params, u.Port = "", nil, nil, 0
	return transaction.Address{Display: own.Display, URI: u}
}
