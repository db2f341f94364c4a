package desk

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

func TestWhatIsShownOfACallIsOnDiskFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.incoming("a")
		o.send(Answer, "")
		o.tell(sip.CallAnswered{At: time.Now(), Leg: "a", Codec: "PCMU"})
		o.send(Note, "wants a refund")
		o.bye("a")
		want := []string{"incoming incoming", "answering answering", "talking answered", "talking ", "ended:normal"}
		if !slices.Equal(o.disk.lines, want) {
			t.Fatalf("the journal has %q", o.disk.lines)
		}
		if len(o.saw) < 5 {
			t.Fatalf("only %d snapshots were seen", len(o.saw))
		}
	})
}

func TestRefusedWritesAreKeptInOrderToldAndRetried(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.disk.set(errFull)
		s := o.incoming("a")
		if s.Calls[0].Record != RecordUnsafe || s.Links.Disk.Health != HealthDown || !said(s, "is not on disk (the disk is full). offhook keeps trying; do not close it before this line goes.") {
			t.Fatalf("%+v", s.Notices)
		}
		o.send(Answer, "")
		o.tell(sip.CallAnswered{At: time.Now(), Leg: "a"})
		// A second call while the disk is full is told to be unsafe as well.
		if s = o.incoming("b"); s.Calls[1].Record != RecordUnsafe {
			t.Fatalf("the second call is shown as %s", s.Calls[1].Record)
		}
		o.bye("a")
		for range 5 {
			o.send(Note, "still typing") // about b: no state of its own
		}
		problems := 0
		for _, n := range o.rest().Notices {
			if n.Severity == Problem {
				problems++
			}
		}
		if problems > 2 {
			t.Fatalf("a full disk is told %d times", problems)
		}
		o.pass(10 * time.Second)
		if o.disk.refused < 4 {
			t.Fatalf("the disk was asked %d times in ten seconds", o.disk.refused)
		}
		o.disk.set(nil)
		s = o.pass(3 * time.Second)
		want := []string{"incoming incoming", "answering answering", "talking answered", "incoming incoming", "ended:normal", "incoming "}
		if !slices.Equal(o.disk.lines, want) {
			t.Fatalf("the journal has %q", o.disk.lines)
		}
		if s.Calls[0].Record != RecordPending || s.Calls[1].Record != RecordOpen || s.Links.Disk.Health != HealthOK || said(s, "is not on disk") || !said(s, "takes writes again") {
			t.Fatalf("%+v %+v", s.Calls, s.Notices)
		}
		if o.disk.ended[string(s.Calls[0].Key)] != 1 {
			t.Fatal("the call has not exactly one record")
		}
	})
}

func TestALaterWriteNeverOvertakesARefusedOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.disk.set(errFull)
		o.incoming("a")
		o.disk.set(nil)
		o.send(Answer, "")
		o.bye("a")
		o.pass(3 * time.Second)
		if want := []string{"incoming incoming", "answering answering", "ended:missed"}; !slices.Equal(o.disk.lines, want) {
			t.Fatalf("the journal has %q", o.disk.lines)
		}
	})
}

func TestLeavingWaitsForARecordTheDiskRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		o.incoming("a")
		o.send(Answer, "")
		o.tell(sip.CallAnswered{At: time.Now(), Leg: "a"})
		o.disk.set(errFull)
		o.bye("a")
		s := o.send(Quit, "")
		if s.Quit || !said(s, "leaves as soon as it is") {
			t.Fatalf("quit %v, %v", s.Quit, s.Notices)
		}
		if s = o.pass(time.Minute); s.Quit {
			t.Fatal("it left without the record")
		}
		o.disk.set(nil)
		o.pass(3 * time.Second)
		<-o.done
		if !o.d.Snapshot().Quit || o.d.Unsaved() != 0 || len(o.disk.ended) != 1 {
			t.Fatalf("quit %v, %d unsaved", o.d.Snapshot().Quit, o.d.Unsaved())
		}
	})
}

func TestLeavingTwiceLeavesWithoutTheRecordAndSaysHowMuchIsMissing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		o.disk.set(errFull)
		o.incoming("a")
		o.bye("a")
		o.send(Quit, "")
		o.send(Quit, "")
		<-o.done
		if o.d.Unsaved() != 2 {
			t.Fatalf("%d unsaved", o.d.Unsaved())
		}
	})
}

func TestTheEndOfTheProgramWritesWhatTheDiskRefusedBefore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		o.disk.set(errFull)
		o.incoming("a")
		o.bye("a")
		o.disk.set(nil)
		o.close()
		if o.d.Unsaved() != 0 || len(o.disk.ended) != 1 {
			t.Fatalf("%d unsaved", o.d.Unsaved())
		}
	})
}

func TestACallThatEndsInTheLastInstantHasItsRecord(t *testing.T) {
	for range 20 { // which of two ready things is taken first is chance
		bubble(t, func(t *testing.T) {
			o := open(t, Settings{})
			o.disk.gate = make(chan struct{})
			o.incoming("a") // and the desk waits for the disk
			o.phone.events <- sip.CallEnded{At: time.Now(), Leg: "a", Cause: sip.EndShutdown, ByUs: true}
			o.stop()
			close(o.disk.gate)
			<-o.done
			if len(o.disk.ended) != 1 {
				t.Fatal("the call has no record")
			}
		})
	}
}

func TestASlowLookupDelaysNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		began := time.Now()
		s := o.incoming("a")
		if !time.Now().Equal(began) || s.State != Ringing || !slices.Equal(o.rang, []bool{true}) || s.Calls[0].Match.State != crm.MatchSearching {
			t.Fatalf("state %s, ring %v, match %s, after %s", s.State, o.rang, s.Calls[0].Match.State, time.Since(began))
		}
		if o.d.Busy() != 1 {
			t.Fatalf("busy %d while one lookup is under way", o.d.Busy())
		}
		s = o.send(Answer, "")
		if s.Calls[0].State != Answering || !time.Now().Equal(began) {
			t.Fatal("answering waited for the lookup")
		}
		o.crm.release <- one(fred())
		if s = o.rest(); s.Calls[0].Name.String() != "Fred Bloggs" || s.Open == nil || o.d.Busy() != 0 {
			t.Fatalf("%+v, busy %d", s.Calls[0], o.d.Busy())
		}
	})
}

func TestEndingWithQuestionsUnderWayWaitsForThemAndLosesNoWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		o.incoming("a")
		o.incoming("b")
		o.send(SearchIn, "somebody")
		o.send(DemoNext, "")
		o.d.Send(Command{Verb: New})
		o.close()
		o.rest()
		if o.d.Busy() != 0 {
			t.Fatalf("busy %d after the end", o.d.Busy())
		}
		o.d.Send(Command{Verb: Answer}) // comes too late, and blocks nobody
		snaps, cancel := o.d.Subscribe()
		if s := <-snaps; len(s.Calls) != 2 {
			t.Fatalf("%d calls", len(s.Calls))
		}
		if _, open := <-snaps; open {
			t.Fatal("a subscription after the end stays open")
		}
		cancel()
	})
}

func TestASlowReaderGetsTheNewestAndTheChannelEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		slow, cancelSlow := o.d.Subscribe()
		gone, cancelGone := o.d.Subscribe()
		cancelGone()
		cancelGone() // twice does no harm
		for len(gone) > 0 {
			<-gone
		}
		if _, open := <-gone; open {
			t.Fatal("a cancelled subscription stays open")
		}
		for i := range 50 {
			o.d.Post(CaptionChanged{text.Clean(fmt.Sprint(i))})
		}
		o.rest()
		if s := <-slow; s.Caption.String() != "49" || len(slow) != 0 {
			t.Fatalf("a slow reader got %q and %d more", s.Caption, len(slow))
		}
		o.close()
		o.rest()
		for range slow { // ends
		}
		cancelSlow()
	})
}

func TestNoCommandIsLostWhoeverSendsIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.incoming("a")
		o.send(Answer, "")
		o.tell(sip.CallAnswered{At: time.Now(), Leg: "a"})
		const people, each = 8, 125
		var work sync.WaitGroup
		for range people {
			work.Go(func() {
				for range each {
					o.d.Send(Command{Verb: Mute})
				}
			})
		}
		work.Wait()
		o.rest()
		o.phone.mu.Lock()
		defer o.phone.mu.Unlock()
		on, n := true, 0
		for _, did := range o.phone.did {
			if did == fmt.Sprint("mute ", on)+" a" {
				on = !on
				n++
			}
		}
		if n != people*each { // each toggles what the one before left: none is lost and none is applied twice
			t.Fatalf("%d of %d commands were applied in order", n, people*each)
		}
	})
}

func TestQualityIsReadOnlyWhileACallIsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		before := o.pass(5 * time.Second)
		if o.phone.polls() != 0 || before.Seq != o.d.Snapshot().Seq {
			t.Fatal("an idle desk is busy with nothing")
		}
		o.phone.stats["a"] = media.Stats{MOS: 4.2, LastPacket: time.Now()}
		o.incoming("a")
		o.pass(time.Second)
		if o.phone.polls() != 0 {
			t.Fatal("a ringing call has no quality")
		}
		o.send(Answer, "")
		s := o.tell(sip.CallAnswered{At: time.Now(), Leg: "a"})
		from := o.phone.polls()
		s = o.pass(time.Second)
		if n := o.phone.polls() - from; n < 4 || n > 6 || s.Calls[0].Quality == nil || s.Calls[0].Quality.MOS != 4.2 {
			t.Fatalf("%d readings in a second", n)
		}
		o.bye("a")
		from = o.phone.polls()
		if s = o.pass(time.Second); o.phone.polls() != from || s.Calls[0].Quality != nil {
			t.Fatal("the quality of an ended call is read")
		}
	})
}

func TestAnOpenCallIsNotedAsAliveAndAnEndedOneIsNot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.pass(time.Minute)
		if o.disk.alive != 0 {
			t.Fatal("nothing is alive")
		}
		o.incoming("a")
		o.pass(time.Minute)
		if o.disk.alive != 30 { // every two seconds
			t.Fatalf("%d notes in a minute", o.disk.alive)
		}
		o.bye("a")
		o.pass(time.Minute)
		if o.disk.alive != 30 { // every two seconds
			t.Fatal("an ended call is alive")
		}
	})
}

func TestAnEndedCallLeavesTheScreenAfterItsRecordIsInSalesforce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := open(t, Settings{Linger: 8 * time.Second})
		defer o.close()
		o.incoming("a")
		s := o.bye("a")
		if s = o.pass(time.Minute); len(s.Calls) != 1 {
			t.Fatal("the call went while its record was still on its way")
		}
		o.d.Post(TaskLanded{Landed{Call: s.Calls[0].Key, TaskID: "00T000000000001AAA"}})
		if s = o.rest(); s.Calls[0].Record != RecordSent {
			t.Fatalf("record %s", s.Calls[0].Record)
		}
		if s = o.pass(8 * time.Second); len(s.Calls) != 0 {
			t.Fatal("the call stays")
		}
	})
}

func TestWhyTheDiskRefusesIsToldInFewWords(t *testing.T) {
	for want, err := range map[string]error{
		"the disk is full, free some space":                 &ledger.Error{Op: "journal the call", Path: "/a/very/long/path", Kind: ledger.ErrDiskFull, Err: errFull},
		"another program keeps the ledger locked, close it": &ledger.Error{Op: "journal the call", Kind: ledger.ErrBusy},
		"the ledger cannot be written":                      &ledger.Error{Op: "journal the call", Kind: ledger.ErrReadOnly},
		"cannot journal the call: it has no key":            &ledger.Error{Op: "journal the call", Err: errors.New("it has no key")},
		"the disk is full":                                  errFull,
	} {
		if got := diskTrouble(err); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
