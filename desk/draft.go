package desk

import (
	"maps"
	"slices"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// DraftKind is the kind of Draft in the ledger (ledger.Kept.Kind).
const DraftKind = "draft"

// Bounds of the drafts: what nobody came back to is forgotten.
const (
	MaxDrafts = 20
	DraftsFor = 7 * 24 * time.Hour
)

// Draft is what was typed into a form and is not saved in Salesforce. It is on disk at each keystroke and outlives the program.
type Draft struct {
	Key        string            `json:"key"`
	For        CallKey           `json:"for,omitempty"`
	Number     text.Text         `json:"number,omitzero"` // of the call
	Object     string            `json:"object"`
	Label      text.Text         `json:"label"`
	RecordType string            `json:"recordType,omitempty"`
	Record     crm.Ref           `json:"record,omitzero"` // the record that is changed; zero: a new one
	Values     map[string]string `json:"values,omitempty"`
	About      text.Text         `json:"about,omitzero"` // a name that was typed, to tell drafts apart
	At         time.Time         `json:"at"`
}

// draftKey: a call has one draft for each object and each record; so has the desk itself.
func draftKey(call CallKey, object string, rec crm.Ref) string {
	if !rec.Zero() {
		return string(call) + "/" + object + "/" + rec.ID[:min(15, len(rec.ID))]
	}
	return string(call) + "/" + object
}

func (t *turn) draft(key string) (Draft, bool) {
	i := slices.IndexFunc(t.drafts, func(d Draft) bool { return d.Key == key })
	if i < 0 {
		return Draft{}, false
	}
	return t.drafts[i], true
}

// keepDraft keeps what is typed into the open form.
func (t *turn) keepDraft(values map[string]string, recordType string) {
	f := t.form
	values = maps.Clone(values)
	delete(values, crm.SaveAnyway)
	d := Draft{Key: f.key(), For: f.for_, Number: f.number, Object: f.Object, Label: f.Label, RecordType: f.RecordType, Record: f.Record, Values: values, At: t.at}
	if recordType != "" {
		d.RecordType = recordType
	}
	d.About = f.Record.Name
	for _, name := range []string{"LastName", "Name", "Subject", "Company"} {
		if v := text.Clean(values[name]); d.About.Empty() {
			d.About = v
		}
	}
	t.drafts = slices.DeleteFunc(t.drafts, func(o Draft) bool { return o.Key == d.Key })
	t.drafts = append(t.drafts, d)
	t.do(Keep{Things: []ledger.Kept{kept(DraftKind, d.Key, d.At, d)}})
	if len(t.drafts) > MaxDrafts {
		t.dropDraft(t.drafts[0].Key)
	}
}

// dropDraft forgets a draft: it was saved, or is not wanted.
func (t *turn) dropDraft(key string) {
	if _, ok := t.draft(key); !ok {
		return
	}
	t.drafts = slices.DeleteFunc(t.drafts, func(d Draft) bool { return d.Key == key })
	t.do(Unkeep{Kind: DraftKind, Keys: []string{key}})
}

// goOn opens a draft again. One of a call that is over belongs to no call any more.
func (t *turn) goOn(key string) {
	d, ok := t.draft(key)
	if !ok {
		t.say(Info, "", "That form is not there any more.")
		return
	}
	call := d.For
	if c := t.find(call); c == nil || c.finished {
		call = ""
	}
	if call != d.For { // kept under its new key
		t.dropDraft(key)
		d.For, d.Key = call, draftKey(call, d.Object, d.Record)
		t.drafts = append(slices.DeleteFunc(t.drafts, func(o Draft) bool { return o.Key == d.Key }), d)
		t.do(Keep{Things: []ledger.Kept{kept(DraftKind, d.Key, d.At, d)}})
	}
	t.search = nil
	t.do(LoadForm{For: call, Ask: crm.FormAsk{Object: d.Object, Record: d.Record, RecordType: d.RecordType, Number: d.Number, Values: d.Values}})
}
