package main

import (
	"context"
	"testing"
	"time"

	"offhook/crm/salesforce"
	"offhook/desk"
)

// row asks the practice Salesforce until it has a row that fits; errands are carried out when they are ready.
func (p *place) row(what string, q salesforce.SOQL) salesforce.Record {
	p.Helper()
	limit, cancel := context.WithTimeout(p.Context(), 20*time.Second)
	defer cancel()
	for {
		page, err := p.w.org.client.Query(limit, q)
		if err != nil {
			p.Fatalf("never: %s: %v", what, err)
		}
		if len(page.Records) > 0 {
			return page.Records[0]
		}
		p.w.org.errands.Flush(limit)
	}
}

func TestACallOfTheWorkListChangesItsMemberAndAPromiseIsAnOpenTask(t *testing.T) {
	p := newPlace(t)
	p.send(desk.WorkOpen, "")
	s := p.until("the members are there", func(s *desk.Snapshot) bool { return s.Worklist != nil && len(s.Worklist.Members) == 40 })
	m := s.Worklist.Members[0]
	if s.Worklist.Next != m.ID || m.Who.Name.Empty() || len(m.Numbers) == 0 {
		t.Fatalf("%+v", m)
	}
	p.send(desk.WorkDial, m.ID)
	p.until("it rings there", func(s *desk.Snapshot) bool { return len(s.Calls) == 1 && s.Calls[0].State == desk.Alerting })
	p.b.exchange.AnswerCall(agentExtension)
	p.until("they talk", func(s *desk.Snapshot) bool { return s.Calls[0].State == desk.Talking })
	p.w.desk.Send(desk.Command{Verb: desk.Dispose, Text: "callback", Values: map[string]string{"when": "in 3 days"}})
	s = p.until("it is promised", func(s *desk.Snapshot) bool { return len(s.Callbacks) == 1 })
	open := p.row("an open Task with a reminder", salesforce.Select("Id", "IsClosed", "IsReminderSet", "WhoId", "Subject").From("Task").
		Where(salesforce.Eq("CallObject", salesforce.String(s.Callbacks[0].Key))).Limit(1))
	if open.Bool("IsClosed") || !open.Bool("IsReminderSet") || open.Str("WhoId") != m.Who.ID {
		t.Errorf("%v", open)
	}
	p.bye()
	p.sent()
	p.w.desk.Send(desk.Command{Verb: desk.Dispose, Text: "interested"}) // another result after the end
	p.until("the promise is taken back", func(s *desk.Snapshot) bool { return len(s.Callbacks) == 0 })
	p.row("the Task is closed", salesforce.Select("Id").From("Task").
		Where(salesforce.And(salesforce.Eq("Id", salesforce.ID(open.ID())), salesforce.Eq("IsClosed", salesforce.Bool(true)))).Limit(1))
	p.row("the member has responded", salesforce.Select("Id").From("CampaignMember").
		Where(salesforce.And(salesforce.Eq("Id", salesforce.ID(m.ID)), salesforce.Eq("Status", salesforce.String("Responded")))).Limit(1))
	s = p.until("the list remembers", func(s *desk.Snapshot) bool { return s.Worklist.Members[0].Worked.Result.String() == "Interested" })
	if s.Worklist.Left() != 39 || s.Worklist.Next == m.ID {
		t.Errorf("%d left, next %s", s.Worklist.Left(), s.Worklist.Next)
	}
	if again := p.w.org.lists.work(t.Context(), desk.PullWork{Campaign: s.Worklist.Campaign}); len(again.Members) != 40 || !again.Members[0].Worked.Done {
		t.Error("what was done is not on disk")
	}
	if last := lastWork(t.Context(), p.w.ledger); last.ID != s.Worklist.Campaign.ID {
		t.Errorf("the next start opens %+v", last)
	}
}
