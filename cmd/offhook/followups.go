package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"offhook/crm/ledger"
	"offhook/crm/post"
	"offhook/internal/text"
)

// openErrands are the ones that a person may ask about: they wait, or were refused.
func openErrands(ctx context.Context, l *ledger.Ledger) ([]ledger.Errand, error) {
	return l.Errands(ctx, "", ledger.ErrandWaiting, ledger.ErrandDoing, ledger.ErrandRefused)
}

// errandOf finds an errand by its key, or by a beginning that only one has; false when there is none.
func errandOf(ctx context.Context, l *ledger.Ledger, key string) (ledger.Errand, bool, error) {
	all, err := l.Errands(ctx, "")
	if err != nil {
		return ledger.Errand{}, false, err
	}
	var found []ledger.Errand
	for _, e := range all {
		if e.Key == key {
			return e, true, nil
		}
		if key != "" && strings.HasPrefix(e.Key, key) {
			found = append(found, e)
		}
	}
	if len(found) > 1 {
		return ledger.Errand{}, false, fmt.Errorf("%d follow-ups begin with %s: give more of the key", len(found), text.Clean(key))
	}
	if len(found) == 1 {
		return found[0], true, nil
	}
	return ledger.Errand{}, false, nil
}

// errandKey is a key as lists show it: enough of it to name it on a command line.
func errandKey(key string) string { return text.Clean(key).Truncate(60).String() }

// errandsText lists follow-ups in 80 columns: what it is, then why it is here.
func errandsText(es []ledger.Errand, now time.Time) string {
	if len(es) == 0 {
		return ""
	}
	refused := 0
	for _, e := range es {
		if e.State == ledger.ErrandRefused {
			refused++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: what Salesforce is told beside the calls' Tasks.\n", plural(len(es), "follow-up"))
	switch {
	case refused == 1:
		b.WriteString("One was refused: offhook outbox retry KEY, or outbox drop KEY, when you have read why.\n")
	case refused > 1:
		fmt.Fprintf(&b, "%d were refused: offhook outbox retry KEY, or outbox drop KEY, when you have read why.\n", refused)
	}
	b.WriteString("\n")
	for _, e := range es {
		fmt.Fprintf(&b, "%-8s  %s\n", e.State, errandKey(e.Key))
		for _, line := range wrap(errandSentence(e, now), 68) {
			b.WriteString("          " + line + "\n")
		}
	}
	return b.String()
}

// errandSentence tells in a few words what an errand is and where it is.
func errandSentence(e ledger.Errand, now time.Time) string {
	what, why := post.ErrandName(e.Kind), e.LastError.String()
	if why == "" {
		why = e.Class
	}
	switch e.State {
	case ledger.ErrandOver:
		if e.Result == "" {
			return what + ": done"
		}
		return what + ": " + text.Clean(e.Result).String()
	case ledger.ErrandDoing:
		return what + ": is carried out now"
	case ledger.ErrandRefused:
		return what + ": refused: " + or(why, "no reason was given")
	}
	s := what + ": is due now"
	if e.Call != "" && e.TaskID == "" {
		s = what + ": waits until the call's Task is in Salesforce"
	}
	if e.Due.After(now) {
		s = what + ": is due at " + clockTime(e.Due, now)
	}
	if why != "" {
		s += "; the last attempt failed: " + why
	}
	return s
}

// retryErrands makes the errands with these keys due now.
func retryErrands(ctx context.Context, l *ledger.Ledger, es []ledger.Errand) (n int, err error) {
	for _, e := range es {
		if e.State != ledger.ErrandWaiting && e.State != ledger.ErrandRefused {
			continue
		}
		if err := l.RetryErrand(ctx, e.Key); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// onErrand carries out a decision about an errand, where the key names no call; false when it names none either.
func onErrand(ctx context.Context, l *ledger.Ledger, key string, cause error, do func(ledger.Errand) error) (bool, error) {
	var none *ledger.NotFoundError
	if !errors.As(cause, &none) {
		return false, nil
	}
	e, ok, err := errandOf(ctx, l, key)
	if err != nil || !ok {
		return false, err
	}
	return true, do(e)
}
