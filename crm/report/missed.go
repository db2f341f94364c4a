package report

import (
	"slices"
	"strings"

	"offhook/crm"
)

// caller tells who a call was with: the record, else the last nine digits of the number. Empty: nobody knows, each is a caller of its own.
func (s sample) callers() (out []string) {
	if len(s.record) >= 15 {
		out = append(out, s.record[:15])
	}
	var digits []byte
	for _, c := range []byte(s.number.String()) {
		if c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	if len(digits) > 9 {
		digits = digits[len(digits)-9:]
	}
	if d := strings.TrimLeft(string(digits), "0"); len(d) >= 3 {
		out = append(out, d)
	}
	return out
}

// missed lists the missed calls of a filter among samples, which must go on after its period: who was called back later was called
// back. The newest stands first; a caller who tried several times is listed once.
func missed(samples []sample, f Filter) (out []MissedCall) {
	samples = slices.Clone(samples)
	slices.SortStableFunc(samples, func(a, b sample) int { return a.at.Compare(b.at) })
	open := map[string]int{} // callers who wait, by what names them
	for _, s := range samples {
		who := s.callers()
		i, waits := -1, false
		for _, w := range who {
			if at, ok := open[w]; ok {
				i, waits = at, true
			}
		}
		settle := func() {
			for w, at := range open {
				if at == i {
					delete(open, w)
				}
			}
		}
		switch {
		case s.wasMissed:
			if waits {
				out[i].Again++
				out[i].Last = s.at
				continue
			}
			if !f.Period.Contains(s.at) || !f.wants(s) {
				continue
			}
			out = append(out, MissedCall{Key: s.key, At: s.at, Number: s.number, Name: s.name, Agent: s.agent, Record: s.record})
			for _, w := range who {
				open[w] = len(out) - 1
			}
		case !waits:
		case s.direction == crm.Inbound && !s.unanswered:
			out[i].Called = s.at
			settle()
		case s.unanswered:
			out[i].Tried = s.at
		default:
			out[i].Back, out[i].By = s.at, s.agent
			settle()
		}
	}
	slices.Reverse(out)
	return out
}
