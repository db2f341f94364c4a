package post

import (
	"context"
	"maps"
	"slices"

	"offhook/crm"
	"offhook/internal/text"
)

// SignedIn forgets who was signed in before, whose Tasks the next ones must not become, and lets a queue go on that waited for it.
func (s *Sender) SignedIn() {
	s.forgetUser()
	s.queue.SignedIn()
}

func (s *Sender) forgetUser() {
	s.orgMu.Lock()
	defer s.orgMu.Unlock()
	s.org = nil
}

// Look reads who is signed in, the fields and the statuses of the org anew, and reports what is lacking: at the sign-in, so that an
// administrator's omission is known before the first call and not after it. What cannot be read now is asked for with the next record.
func (s *Sender) Look(ctx context.Context) error {
	s.forgetUser()
	org, err := s.orgFor(ctx)
	if err != nil {
		return err
	}
	s.check(org, s.o.Settings())
	return nil
}

// check reports what the org lacks of what the settings ask for. What could not be asked just now is as it was.
func (s *Sender) check(org Org, set crm.TaskSettings) {
	var lines []string
	for _, w := range org.Warnings {
		lines = append(lines, w.String())
	}
	lines = append(lines, org.Check(set)...)
	if org.gaps {
		s.lackMu.Lock()
		was := s.lacks["org"]
		s.lackMu.Unlock()
		for _, l := range was {
			if !slices.Contains(lines, l) {
				lines = append(lines, l)
			}
		}
	}
	s.lacking("org", lines...)
}

// lacking keeps what is lacking of one thing, none when it is mended, and reports all that is lacking when that has changed.
func (s *Sender) lacking(about string, lines ...string) {
	s.lackMu.Lock() // also while it is reported: the last word must be the newest
	defer s.lackMu.Unlock()
	if s.lacks == nil {
		s.lacks = map[string][]string{}
	}
	if slices.Equal(s.lacks[about], lines) {
		return
	}
	s.lacks[about] = lines
	var all []text.Text
	for _, about := range slices.Sorted(maps.Keys(s.lacks)) {
		for _, l := range s.lacks[about] {
			if line := text.Clean(l); !slices.Contains(all, line) {
				all = append(all, line)
			}
		}
	}
	if slices.Equal(all, s.lacked) {
		return
	}
	s.lacked = all
	line := text.Clean("what was lacking in Salesforce is there now")
	if len(all) > 0 {
		line = all[0]
	}
	s.report(Report{Kind: ReportLacking, Line: line, Lines: all})
}
