package exactlyonce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/crm/post"
	"offhook/crm/report"
	"offhook/crm/salesforce"
	"offhook/crm/sync"
	"offhook/internal/text"
)

func callKey(i int) string { return fmt.Sprintf("6ba7b810-9dad-51d1-80b4-%012d", i) }

// What follows a call, by its number.
func amended(i int) bool  { return i%5 == 1 }
func member(i int) bool   { return i%10 == 3 }
func promised(i int) bool { return i%10 == 6 }  // a callback
func kept(i int) bool     { return i%20 == 6 }  // its Task is closed again
func cut(i int) bool      { return i%50 == 49 } // the program stops during it

// record is the call as the agent left it.
func (p plan) record(i int) crm.CallRecord {
	start := p.Begin.Add(-time.Duration(p.Calls-i) * 10 * time.Second) // no two calls begin in the same second
	rec := crm.CallRecord{
		Version: 1, Key: callKey(i), Type: crm.Inbound, Number: text.Clean(emulator.StoryKnownNumber), Start: start, Answer: start.Add(4 * time.Second),
		End: start.Add(64 * time.Second), Duration: time.Minute, Action: "answered", Notes: text.CleanBlock(fmt.Sprintf("note %d", i), 100),
	}
	switch i % 6 {
	case 0, 1, 2, 3:
		rec.Assoc.Who = crm.Ref{Type: "Contact", ID: p.Contacts[i%len(p.Contacts)]}
	case 4:
		rec.Assoc.Who = crm.Ref{Type: "Lead", ID: p.Leads[i%len(p.Leads)]}
	case 5:
		rec.Assoc.What = crm.Ref{Type: "Account", ID: p.Accounts[i%len(p.Accounts)]}
	}
	if i%40 == 7 {
		rec.Assoc, rec.Unresolved = crm.Association{}, true
	}
	return rec
}

// later is the record with what the agent added afterwards.
func (p plan) later(i int) crm.CallRecord {
	rec := p.record(i)
	rec.Notes = text.CleanBlock(fmt.Sprintf("later note %d", i), 100)
	return rec
}

func callOf(rec crm.CallRecord) (ledger.Call, json.RawMessage, error) {
	b, err := json.Marshal(rec)
	return ledger.Call{Key: rec.Key, State: ledger.EndedNormal, Direction: string(rec.Type), Number: rec.Number, Started: rec.Start, Answered: rec.Answer,
		Ended: rec.End, Notes: rec.Notes, Detail: b}, b, err
}

// follow is what a call leaves.
func (p plan) follow(rec crm.CallRecord) (out []ledger.Errand) {
	var i int
	if _, err := fmt.Sscanf(rec.Key[24:], "%012d", &i); err != nil {
		return nil
	}
	if member(i) {
		out = append(out, ledger.Errand{Key: "member/" + rec.Key, Kind: sync.MemberErrand, Call: rec.Key, Payload: sync.Payload(sync.MemberChange{
			Campaign: crm.Ref{Type: "Campaign", ID: p.Campaign}, Who: crm.Ref{Type: "Contact", ID: p.Contacts[i%len(p.Contacts)]}, Status: text.Clean("Responded")})})
	}
	if promised(i) {
		cb := sync.Callback{Key: rec.Key + "/cb", At: rec.End.Add(48 * time.Hour), Number: rec.Number, Who: rec.Assoc.Who}
		open := "open/" + rec.Key
		out = append(out, ledger.Errand{Key: open, Kind: sync.CallbackErrand, Call: rec.Key, Payload: sync.Payload(sync.CallbackChange{Do: sync.OpenCallback, Callback: cb})})
		if kept(i) {
			out = append(out, ledger.Errand{Key: "close/" + rec.Key, Kind: sync.CallbackErrand, Call: rec.Key,
				Payload: sync.Payload(sync.CallbackChange{Do: sync.CloseCallback, Callback: cb, Opened: open})})
		}
	}
	return out
}

// desk is the client: the program's own ledger, sender and errands. It ends calls as fast as they are stored, and goes when all are
// delivered, unless it is killed before.
func desk(p plan) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	led, err := ledger.Open(ctx, p.Ledger, ledger.Options{Now: p.clock})
	if err != nil {
		return err
	}
	if _, err := led.Recover(ctx, p.clock(), p.rebuild); err != nil {
		return err
	}
	url := "http://" + p.Addr
	client, err := salesforce.New(salesforce.Options{
		App: salesforce.App{LoginURL: url, ClientID: emulator.ClientID, Local: true, Transport: wire{http.DefaultTransport},
			Secret: func(context.Context) (string, error) { return emulator.ClientSecret, nil }},
		Store: salesforce.NewMemoryStore(salesforce.Token{}), AsApp: true, Agent: emulator.AgentUsername, Timeout: 2 * time.Second,
		Sleep: func(ctx context.Context, d time.Duration) error { return nap(ctx, d/haste) },
	})
	if err != nil {
		return err
	}
	dir := crm.NewDirectory(client, crm.DirectorySettings{Numbers: number.Settings{Region: "GB"}, Now: p.clock})
	refused := make(chan error, 1)
	tell := func(r post.Report) {
		fmt.Println("says", r.Kind)
		if r.Kind == post.ReportDead || r.Kind == post.ReportFix {
			select {
			case refused <- fmt.Errorf("%s %s: %s", r.Key, r.Errand, r.Line):
			default:
			}
		}
	}
	sender := post.NewSender(post.SenderOptions{Outbox: led, Client: client, Directory: dir, Now: p.clock, Report: tell, Poll: 30 * time.Millisecond, Follow: p.follow,
		Settings: func() crm.TaskSettings {
			return crm.TaskSettings{Subject: crm.SubjectStyle{ZoneStyle: crm.ZoneID, Region: "GB"}}
		}})
	errands := post.NewErrands(post.ErrandOptions{Store: led, Beside: sender, Now: p.clock, Report: tell, Poll: 30 * time.Millisecond, Run: map[string]crm.ErrandFunc{
		ledger.AmendErrand:  sender.Amend(led),
		sync.MemberErrand:   (&sync.Members{Client: client}).Run,
		report.EventErrand:  report.EventTasks{Client: client, Zone: func() *time.Location { return time.UTC }}.Run,
		sync.CallbackErrand: (&sync.Callbacks{Client: client, Store: led, Zone: func() *time.Location { return time.UTC }}).Run,
	}})
	session := fmt.Sprintf("%d %d", os.Getpid(), time.Now().UnixNano())
	log := report.NewLog(led, report.LogStates, text.Clean("sip:2101@pbx.example.com"), session) // every life is a session that is cut off
	if err := errors.Join(log.Login(ctx, p.clock()), log.State(ctx, "available", text.Text{}, p.clock())); err != nil {
		return err
	}
	go sender.Run(ctx)
	go errands.Run(ctx)
	if err := p.phone(ctx, led, sender); err != nil {
		return err
	}
	for {
		select {
		case err := <-refused:
			return err
		default:
		}
		c, err := led.Counts(ctx)
		if err != nil {
			return err
		}
		left, err := led.Errands(ctx, "", ledger.ErrandWaiting, ledger.ErrandDoing)
		if err != nil {
			return err
		}
		if c.Unsent()+c.OpenCalls+len(left) == 0 {
			fmt.Println("done")
			return nil
		}
		if err := nap(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// rebuild is the record of a call that the kill has cut off.
func (p plan) rebuild(c ledger.Call) *ledger.Item {
	var rec crm.CallRecord
	if json.Unmarshal(c.Detail, &rec) != nil {
		return nil
	}
	return &ledger.Item{Payload: c.Detail}
}

// phone makes the calls that have not been made: in floods, which the sender must catch up with, and one after the other.
func (p plan) phone(ctx context.Context, led *ledger.Ledger, sender *post.Sender) error {
	next := 0
	switch list, err := led.History(ctx, ledger.Filter{Limit: -1}); {
	case err != nil:
		return err
	default:
		next = len(list)
	}
	for i := max(0, next-40); i < next; i++ { // whose later notes the kill may have kept from the disk
		if err := p.amend(ctx, led, i); err != nil {
			return err
		}
	}
	for i := next; i < p.Calls; i++ {
		rec := p.record(i)
		call, body, err := callOf(rec)
		if err != nil {
			return err
		}
		ringing := call
		ringing.State, ringing.Ended = "ringing", time.Time{}
		if err := led.Journal(ctx, ringing, "INVITE", rec.Start); err != nil {
			return err
		}
		if !cut(i) || i == p.Calls-1 {
			err = led.Finish(ctx, call, &ledger.Item{Payload: body})
		} // else it stays open until the next start
		if err != nil {
			return err
		}
		fmt.Println("ended", i)
		if i >= 20 {
			if err := p.amend(ctx, led, i-20); err != nil {
				return err
			}
		}
		if i%100 < 30 {
			sender.Notify()
			if err := nap(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
	}
	for i := max(0, p.Calls-20); i < p.Calls; i++ {
		if err := p.amend(ctx, led, i); err != nil {
			return err
		}
	}
	// Calls that were left open have ended when the program is started again; there is none if it was not killed since.
	if c, err := led.Counts(ctx); err != nil || c.OpenCalls > 0 {
		return errors.Join(err, errRestart)
	}
	return nil
}

// errRestart ends the desk because there are calls that only a start recovers.
var errRestart = errors.New("restart")

func (p plan) amend(ctx context.Context, led *ledger.Ledger, i int) error {
	if !amended(i) {
		return nil
	}
	call, body, err := callOf(p.later(i))
	if err != nil {
		return err
	}
	_, err = led.Amend(ctx, call.Key, time.Time{}, func(ledger.Call, json.RawMessage) (ledger.Call, json.RawMessage, error) { return call, body, nil })
	return err
}

func nap(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
