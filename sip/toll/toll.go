// Package toll decides which calls a telephone may place: by prefix, by the hour and by how many there were, apart for what an agent
// dials and for what a far end asks for. It is pure but for its counts: time comes in with each question, and it places no call.
package toll

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/transaction"
)

// Policy is what this phone may call, so that neither a mistake nor a stranger's REFER runs up a bill. The zero value lets
// an agent call everything and nobody else anything.
type Policy struct {
	International []string // what may stand for "+" ("00", "011"); nil: 00
	Country       string   // of national numbers, without "+" ("44"); "": they are compared as they are
	National      string   // what national numbers begin with ("0"); used with Country
	Outside       string   // what gets an outside line ("9"), "" for none
	Emergency     []string // always called when an agent dials them; nil: 112, 911, 999
	// Internal tells the numbers and names inside the exchange, which cost nothing: no hours bar them. number is as Number reads it, or
	// the name; host is where it was asked for. nil: none is.
	Internal func(number, host string) bool

	Dialled  Rules // by the agent
	Referred Rules // because of a REFER of the far end
	Redirect Rules // because of a 3xx
}

// Rules are the limits of one way in which calls come about.
type Rules struct {
	// Enabled lets calls of this kind happen at all. For what an agent dials it need not be set.
	Enabled bool
	// Allow and Deny are prefixes as people write them, "+44 900" or "0900"; "*" is every number. The longest that fits decides, of
	// two alike Deny. A number that none fits is called when Allow is empty;
	// a name that holds no number fits "*" alone.
	Allow, Deny []string
	PerMinute   int     // calls in any minute; 0: no limit
	PerDay      int     // calls of a calendar day; 0: no limit
	Hours       []Hours // when calls may be placed that leave the exchange
}

// Hours is a part of the week, in the time zone of the clock that is given. None at all: always.
type Hours struct {
	Days     []time.Weekday // nil: every day
	From, To time.Duration  // since midnight; To before From goes on into the next day, To 0 is midnight
}

// Kind is how a call comes about.
type Kind string

// Kinds of calls.
const (
	Dialled    Kind = "dialled"
	Referred   Kind = "referred"
	Redirected Kind = "redirected"
)

// Reason is why a call is refused.
type Reason string

// Reasons of refusal.
const (
	Off          Reason = "off"
	Barred       Reason = "barred"
	TooManyNow   Reason = "minute"
	TooManyToday Reason = "day"
	OutOfHours   Reason = "hours"
)

// Refusal is the error of a call that is not made.
type Refusal struct {
	Why    Reason
	Kind   Kind
	Number text.Text
	Prefix string // that barred it; "": none allowed it
	Limit  int    // of calls
	When   string // the hours that calls may be placed in, when it is out of them
}

// Error is one line for a person: what was not done, and why.
func (e *Refusal) Error() string {
	who := map[Kind]string{Referred: "The far end asked to call ", Redirected: "The call was redirected to "}[e.Kind]
	s := "The number " + e.Number.Truncate(40).String() + " was not called: "
	if who != "" {
		s = who + e.Number.Truncate(40).String() + ", which was not done: "
	}
	return s + e.Because()
}

// Because is why, for a line that says already what was not done.
func (e *Refusal) Because() string {
	switch e.Why {
	case Off:
		return "this phone does not follow such requests"
	case TooManyNow:
		return fmt.Sprintf("%d calls a minute are the limit; try again in a moment", e.Limit)
	case TooManyToday:
		return fmt.Sprintf("%d calls a day are the limit", e.Limit)
	case OutOfHours:
		return "calls may be placed " + e.When + " only"
	}
	if e.Prefix == "" {
		return "it is none of the numbers that this phone may call"
	}
	return "numbers that begin with " + e.Prefix + " are barred"
}

// Meter applies a policy and counts. It belongs to one goroutine.
type Meter struct {
	policy Policy
	made   map[Kind]*count
}

type count struct {
	recent []time.Time // of the last minute
	day    string
	today  int
}

// NewMeter starts counting.
func NewMeter(p Policy) *Meter {
	if p.International == nil {
		p.International = []string{"00"}
	}
	if p.Emergency == nil {
		p.Emergency = []string{"112", "911", "999"}
	}
	p.Dialled.Enabled = true
	return &Meter{policy: p, made: map[Kind]*count{}}
}

// Check says whether a call to uri may be made at now, and counts it when it may. The error is a *Refusal.
func (m *Meter) Check(now time.Time, kind Kind, uri transaction.URI) error {
	dialled := Number(uri)
	if kind == Dialled && m.emergency(uri, dialled) {
		return nil
	}
	rules := map[Kind]Rules{Dialled: m.policy.Dialled, Referred: m.policy.Referred, Redirected: m.policy.Redirect}[kind]
	refuse := &Refusal{Kind: kind, Number: caller.Number(uri)}
	if refuse.Number.Empty() {
		refuse.Number = text.Clean(uri.Host)
	}
	if !rules.Enabled {
		refuse.Why = Off
		return refuse
	}
	if !rules.open(now) && !m.internal(uri, dialled) {
		refuse.Why, refuse.When = OutOfHours, when(rules.Hours)
		return refuse
	}
	if dialled != "" || len(rules.Allow) > 0 {
		if prefix, ok := m.allowed(rules, dialled); !ok {
			refuse.Why, refuse.Prefix = Barred, prefix
			return refuse
		}
	}
	c := m.made[kind]
	if c == nil {
		c = &count{}
		m.made[kind] = c
	}
	c.recent = slices.DeleteFunc(c.recent, func(t time.Time) bool { return !t.After(now.Add(-time.Minute)) || t.After(now) })
	if day := now.Format(time.DateOnly); day != c.day {
		c.day, c.today = day, 0
	}
	switch {
	case rules.PerMinute > 0 && len(c.recent) >= rules.PerMinute:
		refuse.Why, refuse.Limit = TooManyNow, rules.PerMinute
		return refuse
	case rules.PerDay > 0 && c.today >= rules.PerDay:
		refuse.Why, refuse.Limit = TooManyToday, rules.PerDay
		return refuse
	}
	if rules.PerMinute > 0 {
		c.recent = append(c.recent, now)
	}
	c.today++
	return nil
}

// emergency numbers are compared whole, with and without the outside line.
func (m *Meter) emergency(uri transaction.URI, dialled string) bool {
	if uri.Scheme == "urn" {
		s := strings.ToLower(uri.Opaque)
		return s == "service:sos" || strings.HasPrefix(s, "service:sos.") // RFC 5031
	}
	return slices.ContainsFunc(m.forms(dialled), func(n string) bool {
		return slices.ContainsFunc(m.policy.Emergency, func(e string) bool { return strings.Map(caller.Unseparated, e) == n })
	})
}

// internal reports whether a target is inside the exchange. What gets an outside line is outside, however short the rest is, and so is
// what an exchange may read in another way than we do.
func (m *Meter) internal(uri transaction.URI, dialled string) bool {
	if m.policy.Internal == nil || len(m.forms(dialled)) > 1 || strings.ContainsAny(uri.User, "%;") {
		return false
	}
	if dialled == "" {
		dialled = caller.User(uri)
	}
	return m.policy.Internal(dialled, uri.Host)
}

// forms are the readings of a number: as it is, and after the outside line.
func (m *Meter) forms(n string) []string {
	if rest, ok := strings.CutPrefix(n, m.policy.Outside); ok && m.policy.Outside != "" && rest != "" {
		return []string{n, rest}
	}
	return []string{n}
}

// allowed judges every reading: a prefix that bars any of them bars the call, and so does it when none is allowed.
func (m *Meter) allowed(r Rules, number string) (prefix string, ok bool) {
	for _, n := range m.forms(number) {
		n = m.world(n)
		best, deny := -1, false
		for _, list := range []struct {
			prefixes []string
			deny     bool
		}{{r.Allow, false}, {r.Deny, true}} {
			for _, p := range list.prefixes {
				w := m.prefix(p)
				if p == "*" {
					w = ""
				} else if w == "" {
					continue
				}
				if strings.HasPrefix(n, w) && (len(w) > best || len(w) == best && list.deny) && (n != "" || p == "*") {
					best, deny = len(w), list.deny
					if deny {
						prefix = p
					}
				}
			}
		}
		switch {
		case deny && best > 0:
			return prefix, false
		case !deny:
			ok = ok || best >= 0 || len(r.Allow) == 0
		}
	}
	return "", ok
}

// prefix is a prefix as numbers are compared. What begins every national number stands for the whole country, what begins every
// international one for the world.
func (m *Meter) prefix(p string) string {
	p = strings.Map(caller.Unseparated, p)
	switch {
	case p != "" && p == m.policy.National && m.policy.Country != "":
		return "+" + m.policy.Country
	case slices.Contains(m.policy.International, p):
		return "+"
	}
	return m.world(p)
}

// world is a number with "+" where it says which country it is in.
func (m *Meter) world(n string) string {
	if rest, ok := strings.CutPrefix(n, "+0"); ok { // no country begins with 0; an exchange may dial what is left
		n = "0" + rest
	}
	if strings.HasPrefix(n, "+") {
		return n
	}
	for _, p := range m.policy.International {
		if rest, ok := strings.CutPrefix(n, p); ok && p != "" && rest != "" {
			return "+" + rest
		}
	}
	if rest, ok := strings.CutPrefix(n, m.policy.National); ok && m.policy.National != "" && m.policy.Country != "" && rest != "" {
		return "+" + m.policy.Country + rest
	}
	return n
}

// Number is what an exchange would dial of a target: its digits, "" for a name. Digits of other scripts are digits, and
// letters behind a number do not make it a name: some exchanges ignore them.
func Number(u transaction.URI) string {
	user := norm.NFKC.String(caller.User(u))
	if c := phoneContext(u); strings.HasPrefix(c, "+") && !strings.HasPrefix(strings.TrimSpace(user), "+") {
		user = c + user // a local number of RFC 3966 §5.1.5
	}
	var b strings.Builder
	for _, r := range user {
		r = caller.Unseparated(r)
		switch {
		case r < 0, unicode.Is(unicode.Cf, r):
		case r >= '0' && r <= '9', r == '*', r == '#', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case unicode.IsDigit(r):
			b.WriteRune(digitOf(r))
		case b.Len() == 0:
			return "" // a name
		}
	}
	return b.String()
}

// digitOf: the digits of a script stand side by side from its zero.
func digitOf(r rune) rune {
	zero := r
	for zero > 0 && r-zero < 9 && unicode.IsDigit(zero-1) {
		zero--
	}
	return '0' + (r - zero)
}

func phoneContext(u transaction.URI) string {
	if c, ok := u.Params.Get("phone-context"); ok {
		return strings.Map(caller.Unseparated, c)
	}
	_, params, _ := strings.Cut(u.User, ";")
	p, _ := transaction.ParseParams(params)
	c, _ := p.Get("phone-context")
	return strings.Map(caller.Unseparated, c)
}

// open reports whether now is within the hours.
func (r Rules) open(now time.Time) bool {
	if len(r.Hours) == 0 {
		return true
	}
	clock := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second
	yesterday := (now.Weekday() + 6) % 7
	return slices.ContainsFunc(r.Hours, func(h Hours) bool {
		on := func(d time.Weekday) bool { return len(h.Days) == 0 || slices.Contains(h.Days, d) }
		switch {
		case h.To == 0 || h.To == 24*time.Hour:
			return on(now.Weekday()) && clock >= h.From
		case h.From <= h.To:
			return on(now.Weekday()) && clock >= h.From && clock < h.To
		}
		return on(now.Weekday()) && clock >= h.From || on(yesterday) && clock < h.To
	})
}

// Decides reports whether the policy says anything about a kind of call; what it says nothing about is refused by Check.
func (m *Meter) Decides(kind Kind) bool {
	switch kind {
	case Referred:
		return m.policy.Referred.Enabled
	case Redirected:
		return m.policy.Redirect.Enabled
	}
	return true
}
