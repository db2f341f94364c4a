package post

import (
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
)

func TestALeadThatWasConvertedMeanwhileBecomesItsContactBeforeTheTaskIsWritten(t *testing.T) {
	p := newPost(t, emulator.Options{})
	n := 0
	for _, l := range p.Records("Lead", false) {
		if l["IsConverted"] != true || n == 2 {
			continue
		}
		n++
		key := p.end(n, func(r *crm.CallRecord) {
			r.Assoc = crm.Association{Rule: crm.RuleOneMatch, Why: "the only match", Who: crm.Ref{Type: "Lead", ID: l["Id"].(string)}}
		})
		p.sender.Flush(t.Context())
		it := p.expect(key, ledger.Sent, n)
		want := l["ConvertedOpportunityId"]
		if want == nil {
			want = l["ConvertedAccountId"]
		}
		if task := p.task(key); task["WhoId"] != l["ConvertedContactId"] || task["WhatId"] != want || it.Degraded || it.Attempts != 1 {
			t.Errorf("who %v what %v after %d attempts", task["WhoId"], task["WhatId"], it.Attempts)
		}
	}
	if n == 0 {
		t.Fatal("the practice org has no converted lead")
	}
}
