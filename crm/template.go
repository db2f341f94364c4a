package crm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/internal/text"
)

// DefaultDescription is the description of a Task when record.description is empty.
const DefaultDescription = `{notes}

Start: {start}
Answered: {answered}
End: {end}
Duration: {duration}
Result: {result}
Disposition: {disposition}
Ended by: {ended_by}
Caller: {withheld}
Number: {number}
Presented name: {name}
Called: {called}
Transfer: {transfer}
Agent: {agent}
Association: {association}
Campaign: {campaign}
Callback: {callback}
{ids}
Recording: {recording}
{vars}`

// Template is a description with placeholders in braces; {{ and }} are braces. A line whose placeholders are all empty is left out.
type Template struct{ lines [][]part }

// part is a piece of a line: text, or a placeholder.
type part struct{ text, name string }

// placeholder is one name that a template may use.
type placeholder struct {
	name string
	from func(rec CallRecord, s TaskSettings) string
}

func placeholders() []placeholder {
	at := func(pick func(CallRecord) time.Time) func(CallRecord, TaskSettings) string {
		return func(r CallRecord, s TaskSettings) string {
			t := pick(r)
			if t.IsZero() {
				return ""
			}
			return t.In(s.Subject.Location()).Format("2006-01-02 15:04:05 -07:00")
		}
	}
	str := func(pick func(CallRecord) string) func(CallRecord, TaskSettings) string {
		return func(r CallRecord, _ TaskSettings) string { return pick(r) }
	}
	return []placeholder{
		{"notes", str(func(r CallRecord) string { return MaskCards(r.Notes.String()) })},
		{"start", at(func(r CallRecord) time.Time { return r.Start })},
		{"answered", at(func(r CallRecord) time.Time { return r.Answer })},
		{"end", at(func(r CallRecord) time.Time { return r.End })},
		{"callback", at(func(r CallRecord) time.Time { return r.CallbackAt })},
		{"duration", str(durationText)},
		{"result", str(func(r CallRecord) string {
			if r.Reason.Empty() {
				return r.Action
			}
			return strings.TrimPrefix(r.Action+", "+r.Reason.String(), ", ")
		})},
		{"action", str(func(r CallRecord) string { return r.Action })},
		{"reason", str(func(r CallRecord) string { return r.Reason.String() })},
		{"direction", str(func(r CallRecord) string { return string(r.Way()) })},
		{"disposition", str(func(r CallRecord) string { return r.Disposition.String() })},
		{"ended_by", str(func(r CallRecord) string { return r.HangUpBy })},
		{"withheld", str(func(r CallRecord) string {
			if r.Withheld {
				return "number withheld"
			}
			return ""
		})},
		{"number", str(func(r CallRecord) string {
			if r.Withheld {
				return ""
			}
			return r.Number.String()
		})},
		{"name", str(func(r CallRecord) string {
			if r.Withheld {
				return ""
			}
			return r.Name.String()
		})},
		{"called", str(func(r CallRecord) string { return r.Called.String() })},
		{"place", str(func(r CallRecord) string { return r.Place.String() })},
		{"transfer", str(func(r CallRecord) string { return strings.TrimSpace(r.Transfer + " " + r.TransferTo.String()) })},
		{"agent", str(func(r CallRecord) string { return r.Agent.String() })},
		{"association", str(func(r CallRecord) string { return r.Assoc.Why })},
		{"campaign", str(func(r CallRecord) string { return r.Campaign.Name.String() })},
		{"initiator", str(initiator)},
		{"key", str(func(r CallRecord) string { return r.Key })},
		{"correlation", str(func(r CallRecord) string { return r.Correlation })},
		{"sip_call_id", str(func(r CallRecord) string { return r.SIPCallID.String() })},
		{"session", str(func(r CallRecord) string { return r.Session })},
		{"codec", str(func(r CallRecord) string { return r.Codec })},
		{"recording", str(func(r CallRecord) string { return strings.TrimSpace(r.Recording + " " + r.Recorded) })},
		{"ids", str(idLines)},
		{"vars", varLines},
	}
}

func durationText(r CallRecord) string {
	d := DurationSeconds(r)
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%d:%02d:%02d", d/3600, d/60%60, d%60)
}

func labelled(lines *[]string, label, value string) {
	if value != "" {
		*lines = append(*lines, label+": "+value)
	}
}

func idLines(r CallRecord) string {
	var lines []string
	labelled(&lines, "Call key", r.Key)
	labelled(&lines, "Correlation", r.Correlation)
	labelled(&lines, "SIP Call-ID", r.SIPCallID.String())
	labelled(&lines, "Session", r.Session)
	return strings.Join(lines, "\n")
}

// varLines are the variables of the call that have no field of their own.
func varLines(r CallRecord, s TaskSettings) string {
	var lines []string
	for _, v := range r.Vars {
		if !s.maps(v.Field) {
			labelled(&lines, v.Name.String(), v.Value.String())
		}
	}
	return strings.Join(lines, "\n")
}

// ParseTemplate reads a description; an error names the line and, for a misspelt placeholder, the one that was meant.
func ParseTemplate(s string) (*Template, error) {
	var known []string
	for _, p := range placeholders() {
		known = append(known, p.name)
	}
	t := &Template{}
	notes := 0
	for i, line := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		parts, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		for _, p := range parts {
			switch {
			case p.name == "" || strings.HasPrefix(p.name, varPrefix) && len(p.name) > len(varPrefix):
			case !slices.Contains(known, p.name):
				return nil, fmt.Errorf("line %d: there is no placeholder {%s}%s", i+1, text.Clean(p.name).Runes(40), meant(p.name, known))
			case p.name == "notes":
				if notes++; notes > 1 {
					return nil, fmt.Errorf("line %d: {notes} stands twice", i+1)
				}
			}
		}
		t.lines = append(t.lines, parts)
	}
	return t, nil
}

func parseLine(line string) (parts []part, err error) {
	var plain strings.Builder
	for line != "" {
		switch {
		case strings.HasPrefix(line, "{{"), strings.HasPrefix(line, "}}"):
			plain.WriteByte(line[0])
			line = line[2:]
		case line[0] == '}':
			return nil, fmt.Errorf("a } without its {; write }} for a brace")
		case line[0] == '{':
			name, rest, ok := strings.Cut(line[1:], "}")
			if !ok || strings.Contains(name, "{") {
				return nil, fmt.Errorf("a { without its }; write {{ for a brace")
			}
			if strings.TrimSpace(name) == "" {
				return nil, fmt.Errorf("{} names nothing; write {{}} for braces")
			}
			parts = append(parts, part{text: plain.String()}, part{name: strings.TrimSpace(name)})
			plain.Reset()
			line = rest
		default:
			n := strings.IndexAny(line, "{}")
			if n < 0 {
				n = len(line)
			}
			plain.WriteString(line[:n])
			line = line[n:]
		}
	}
	return append(parts, part{text: plain.String()}), nil
}

// render fills the template in; notes stand for {notes}.
func (t *Template) render(rec CallRecord, s TaskSettings, notes string) string {
	from := map[string]func(CallRecord, TaskSettings) string{}
	for _, p := range placeholders() {
		from[p.name] = p.from
	}
	var out []string
	for _, line := range t.lines {
		var b strings.Builder
		asked, got := false, false
		for _, p := range line {
			v := p.text
			if p.name != "" {
				switch f := from[p.name]; {
				case p.name == "notes":
					v = notes
				case f != nil:
					v = f(rec, s)
				default:
					v = valueOf(p.name, rec, s).text.String()
				}
				asked, got = true, got || v != ""
			}
			b.WriteString(v)
		}
		if asked && !got || b.Len() == 0 && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, b.String())
	}
	return strings.Trim(strings.Join(out, "\n"), "\n")
}

// Description writes the notes and the facts of the call as the template wants them, at most 32,000 characters. Notes are cut
// before facts.
func Description(rec CallRecord, s TaskSettings) string {
	t := s.Template
	if t == nil {
		var err error
		if t, err = ParseTemplate(DefaultDescription); err != nil {
			return "" // impossible: a test reads it
		}
	}
	notes := MaskCards(rec.Notes.String())
	facts := t.render(rec, s, "")
	room := max(0, maxDescription-len([]rune(facts))-2)
	if len([]rune(notes)) > room {
		notes = cutRunes(notes, max(0, room-maxAround))
	}
	return FitDescription(t.render(rec, s, notes))
}

// maxAround is what a template may write on the line of the notes beside them.
const maxAround = 200

// meant is what somebody who misspelt a word is told.
func meant(word string, known []string) string {
	best, least := "", (len(labelKey(word))+1)/2 // half of it right is no misspelling
	for _, k := range known {
		if d := editDistance(labelKey(word), labelKey(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return "; there are: " + strings.Join(known, ", ")
	}
	return "; did you mean " + best + "?"
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
