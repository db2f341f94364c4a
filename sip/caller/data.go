package caller

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"offhook/internal/text"
	"offhook/sip/transaction"
)

// Rule says what one header of a call means to the agent. Several rules may read one header. A header that a rule of the
// configuration names is left alone by the defaults; a rule that does nothing with it hides it.
type Rule struct {
	Header string // name without case; "X-*" is every name that begins so
	Param  string // a parameter of the value ("purpose"), "" for the value itself
	Match  string // RE2: the first group of it, or all that it matches, is the value; "" for the whole
	Name   string // what the agent reads; "": the header's name

	Show   bool   // on the card
	Lookup bool   // the search for the customer may use it
	Task   string // API name of the field of the Task that carries it, "" for none
	Secret bool   // is shown and written nowhere; only the search may use it
	Record bool   // is the id of a Salesforce record, which is opened without a search
}

// RuleError says which rule cannot be used, in one line for a person.
type RuleError struct{ Key, Why string }

func (e *RuleError) Error() string { return e.Key + ": " + e.Why }

// Limits of what one call may tell.
const (
	maxVars      = 16
	maxVarRunes  = 256
	maxVarsTotal = 2048 // bytes of all values together
	maxDataRules = 64
	maxPattern   = 256
	maxFields    = 128 // header fields of a call that are looked at
)

// defaultData stands after what is configured: User-to-User and all X- headers are shown.
var defaultData = []Rule{
	{Header: "User-to-User", Show: true},
	{Header: "X-*", Show: true},
}

// Rules is a list of rules that has been read.
type Rules struct{ rules []readRule }

type readRule struct {
	Rule
	match *regexp.Regexp // nil: everything
}

// NewRules reads the rules. Errors are *RuleError.
func NewRules(rules []Rule) (*Rules, error) {
	if len(rules) > maxDataRules {
		return nil, &RuleError{"data", fmt.Sprintf("%d rules are more than %d", len(rules), maxDataRules)}
	}
	d := &Rules{}
	for i, r := range slices.Concat(rules, defaultData) {
		key := fmt.Sprintf("data[%d].", i)
		if name := strings.TrimSuffix(r.Header, "*"); name == "" || strings.Trim(name, fieldName) != "" {
			return nil, &RuleError{key + "header", fmt.Sprintf("%q is not the name of a header", r.Header)}
		}
		if r.Task != "" && strings.Trim(r.Task, fieldName) != "" {
			return nil, &RuleError{key + "task", fmt.Sprintf("%q is not the API name of a field", r.Task)}
		}
		if r.Secret && (r.Show || r.Task != "") {
			return nil, &RuleError{key + "secret", "a secret value can be neither shown nor written to a Task"}
		}
		read := readRule{Rule: r}
		if r.Match != "" {
			var err error
			if len(r.Match) > maxPattern {
				return nil, &RuleError{key + "match", fmt.Sprintf("a pattern of more than %d characters", maxPattern)}
			}
			if read.match, err = regexp.Compile(r.Match); err != nil {
				return nil, &RuleError{key + "match", err.Error()}
			}
		}
		d.rules = append(d.rules, read)
	}
	return d, nil
}

const fieldName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// Vars are what the headers of a call tell, in the order of the rules and then of the headers. record is the first value that a
// rule calls the id of a record and that is one, with 18 characters, and only when the source is trusted; "" for none.
func (d *Rules) Vars(h transaction.Headers, trusted bool) (vars []Var, record string) {
	h = h[:min(len(h), maxFields)]
	configured := d.rules[:len(d.rules)-len(defaultData)]
	total := 0
	for i, r := range d.rules {
		for _, f := range h {
			if !r.takes(f.Name) || i >= len(configured) && slices.ContainsFunc(configured, func(c readRule) bool { return c.takes(f.Name) }) {
				continue
			}
			for _, value := range valuesOf(f) {
				v, ok := r.read(f.Name, value)
				if !ok {
					continue
				}
				if r.Record && trusted && record == "" {
					record, _ = recordID(v.Value.String())
				}
				if !v.Show && !v.Lookup && v.Field == "" ||
					slices.ContainsFunc(vars, func(have Var) bool { return have.Name == v.Name && have.Value == v.Value }) {
					continue
				}
				if total += len(v.Value.String()); len(vars) == maxVars || total > maxVarsTotal {
					return vars, record
				}
				vars = append(vars, v)
			}
		}
	}
	return vars, record
}

func (r readRule) takes(name string) bool {
	if prefix, ok := strings.CutSuffix(r.Header, "*"); ok {
		return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
	}
	return strings.EqualFold(name, r.Header)
}

// valuesOf splits the fields that are lists; others may hold commas of their own.
func valuesOf(f transaction.Header) []string {
	raw := f.Value[:min(len(f.Value), text.MaxRaw)]
	switch strings.ToLower(f.Name) {
	case "user-to-user", "call-info", "history-info", "diversion", "alert-info", "p-asserted-identity", "p-called-party-id", "geolocation":
		return transaction.SplitList(raw)
	}
	return []string{raw}
}

// read makes a variable of one value; ok is false when there is nothing in it.
func (r readRule) read(header, raw string) (Var, bool) {
	value := raw
	switch {
	case r.Param != "":
		if value = param(raw, r.Param); value == "" {
			return Var{}, false
		}
	case strings.EqualFold(header, "User-to-User"):
		value = userToUser(raw)
	}
	v := text.Clean(value)
	if r.match != nil {
		m := r.match.FindStringSubmatch(v.String())
		switch {
		case m == nil:
			return Var{}, false
		case len(m) > 1:
			v = text.Clean(m[1])
		default:
			v = text.Clean(m[0])
		}
	}
	v = v.Runes(maxVarRunes)
	name := text.Clean(cmp.Or(r.Name, header)).Runes(64)
	return Var{Name: name, Value: v, From: header, Show: r.Show, Lookup: r.Lookup, Secret: r.Secret, Field: r.Task}, !v.Empty()
}

// param is a parameter of a header value, of its URI or of the URI's user part; "" for none.
func param(raw, name string) string {
	if a, err := transaction.ParseAddress(raw); err == nil {
		_, user, _ := strings.Cut(a.URI.User, ";")
		inUser, _ := transaction.ParseParams(user)
		for _, p := range []transaction.Params{a.Params, a.URI.Params, a.URI.Headers, inUser} {
			if v, ok := p.Get(name); ok {
				return v
			}
		}
	}
	p, err := transaction.ParseParams(raw) // a value that is nothing but parameters
	if err != nil {
		_, rest, _ := strings.Cut(raw, ";")
		p, _ = transaction.ParseParams(rest)
	}
	v, _ := p.Get(name)
	return v
}

// String hides a secret value, so that a log of variables tells none.
func (v Var) String() string {
	if v.Secret {
		return v.Name.String() + ": (secret)"
	}
	return v.Name.String() + ": " + v.Value.String()
}

// MarshalJSON leaves a secret value out, so that no journal holds it.
func (v Var) MarshalJSON() ([]byte, error) {
	type plain Var // without this method
	if v.Secret {
		v.Value = text.Text{}
	}
	return json.Marshal(plain(v))
}
