package crm

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

// AnswerKind is the Kind under which answers are kept in the ledger.
const AnswerKind = "answer"

// Questions that Salesforce's documentation leaves open, or that depend on the org. A self test settles them for one org.
const (
	AskPhoneSearch     = "phone_search"     // SOSL IN PHONE FIELDS and stored punctuation: normalise or strict
	AskPhoneCountry    = "phone_country"    // it finds a number stored without country code by one with it: yes or no
	AskIndexLag        = "index_lag"        // seconds until the search index had a new record
	AskTaskType        = "task_type"        // the field Task.Type may be filled: yes or no
	AskTaskKey         = "task_key"         // a second Task with a call's key is refused (DUPLICATE_VALUE): yes or no
	AskUpsertSubtype   = "upsert_subtype"   // an upsert that updates a Task takes TaskSubtype: yes or no
	AskTaskKey300      = "task_300"         // two Tasks with one external id answer 300 to an upsert: yes or no
	AskLeadWhat        = "lead_what"        // what a Task with a Lead and a WhatId is refused with
	AskSoftphoneLayout = "softphone_layout" // describeSoftphoneLayout takes this token: yes or no
	AskMemberStatus    = "member_status"    // a status may be added to a campaign over REST: yes or no
	AskDeviceFlow      = "device_flow"      // the app offers the device flow: yes or no
)

// Questions lists them in the order in which they are shown.
func Questions() []string {
	return []string{AskPhoneSearch, AskPhoneCountry, AskIndexLag, AskTaskType, AskTaskKey, AskUpsertSubtype, AskTaskKey300, AskLeadWhat, AskSoftphoneLayout,
		AskMemberStatus, AskDeviceFlow}
}

// Values of answers.
const (
	Yes             = "yes"
	No              = "no"
	SearchNormalise = "normalise" // stored punctuation is ignored
	SearchStrict    = "strict"    // only runs of digits as they are stored
)

// Answer is what a self test found out about one question.
type Answer struct {
	Question string    `json:"question"`
	Value    string    `json:"value"`
	Detail   text.Text `json:"detail,omitzero"` // what Salesforce said
	API      string    `json:"api"`             // version of the API with which it was found out
	At       time.Time `json:"at"`
}

// Answers are what is known of one org. The zero value knows nothing: the code then takes the way that is right in either case.
type Answers struct{ list []Answer }

// NewAnswers makes Answers of a list; the newest of each question counts.
func NewAnswers(list ...Answer) Answers {
	var a Answers
	for _, n := range list {
		i := slices.IndexFunc(a.list, func(o Answer) bool { return o.Question == n.Question })
		switch {
		case !slices.Contains(Questions(), n.Question):
		case i < 0:
			a.list = append(a.list, n)
		case !n.At.Before(a.list[i].At):
			a.list[i] = n
		}
	}
	slices.SortFunc(a.list, func(x, y Answer) int {
		return slices.Index(Questions(), x.Question) - slices.Index(Questions(), y.Question)
	})
	return a
}

// List returns the answers in the order of Questions.
func (a Answers) List() []Answer { return slices.Clone(a.list) }

// Of returns the value of a question, "" when it is open.
func (a Answers) Of(question string) string {
	for _, x := range a.list {
		if x.Question == question {
			return x.Value
		}
	}
	return ""
}

// API returns the oldest API version among the answers, "" without one.
func (a Answers) API() (oldest string) {
	number := func(v string) float64 { n, _ := strconv.ParseFloat(v, 64); return n }
	for _, x := range a.list {
		if oldest == "" || number(x.API) < number(oldest) {
			oldest = x.API
		}
	}
	return oldest
}

// Strict reports that the search index keeps numbers as they are written: a number with spaces is not found by its digits, and
// spellings must be asked for.
func (a Answers) Strict() bool { return a.Of(AskPhoneSearch) == SearchStrict }

// IndexLag is how long the search index took to have a new record; 0 when that is not known.
func (a Answers) IndexLag() time.Duration {
	s, err := strconv.ParseFloat(a.Of(AskIndexLag), 64)
	if err != nil || s < 0 || s > 86400 {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// AnswerStore keeps answers: a *ledger.Ledger.
type AnswerStore interface {
	Keep(ctx context.Context, things ...ledger.Kept) error
	Kept(ctx context.Context, kind string) ([]ledger.Kept, error)
	Unkeep(ctx context.Context, kind string, keys ...string) error
}

// answerKey is unique among the orgs that a ledger has met. Ids of 15 and 18 characters are the same.
func answerKey(org, question string) string { return org[:min(15, len(org))] + "/" + question }

// LoadAnswers reads what is known of an org.
func LoadAnswers(ctx context.Context, store interface {
	Kept(ctx context.Context, kind string) ([]ledger.Kept, error)
}, org string) (Answers, error) {
	kept, err := store.Kept(ctx, AnswerKind)
	if err != nil || org == "" {
		return Answers{}, err
	}
	var list []Answer
	for _, k := range kept {
		var a Answer
		if strings.HasPrefix(k.Key, answerKey(org, "")) && json.Unmarshal(k.Value, &a) == nil {
			list = append(list, a)
		}
	}
	return NewAnswers(list...), nil
}

// KeepAnswers stores answers about an org, over older ones to the same questions.
func KeepAnswers(ctx context.Context, store AnswerStore, org string, list ...Answer) error {
	var things []ledger.Kept
	for _, a := range list {
		b, err := json.Marshal(a)
		if err != nil {
			return err
		}
		things = append(things, ledger.Kept{Kind: AnswerKind, Key: answerKey(org, a.Question), Value: b, At: a.At})
	}
	if things == nil {
		return nil
	}
	return store.Keep(ctx, things...)
}

// ForgetAnswers forgets what is known of an org, or of every org when it is "".
func ForgetAnswers(ctx context.Context, store AnswerStore, org string) error {
	if org == "" {
		return store.Unkeep(ctx, AnswerKind)
	}
	var keys []string
	for _, q := range Questions() {
		keys = append(keys, answerKey(org, q))
	}
	return store.Unkeep(ctx, AnswerKind, keys...)
}

// answers are what the directory's org is known to do.
func (d *Directory) answers() Answers {
	if d.set.Answers == nil {
		return Answers{}
	}
	return d.set.Answers()
}

// maxRemember bounds how long a record that was opened here stands in for the search index.
const maxRemember = 2 * time.Hour

// rememberFor is how long a record that was opened or made here is found without the search index: longer than the index normally lags,
// and four times as long as it was seen to lag in this org, because it lags most after loads of many records.
func (d *Directory) rememberFor() time.Duration {
	return min(max(recentFor, 4*d.answers().IndexLag()), maxRemember)
}
