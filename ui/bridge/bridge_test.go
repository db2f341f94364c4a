package bridge

import (
	"context"
	"testing"
	"testing/synctest"

	"offhook/desk"

	tea "charm.land/bubbletea/v2"
)

func TestOnlyTheNewestSnapshotReachesABusyScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := make(chan *desk.Snapshot)
		free := make(chan struct{})
		var got []uint64
		b := New(in)
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.Run(context.Background(), func(m tea.Msg) {
				got = append(got, m.(Snapshot).Seq)
				<-free // the screen is busy
			})
		}()
		in <- &desk.Snapshot{Seq: 1}
		synctest.Wait()
		for seq := uint64(2); seq <= 1000; seq++ { // the desk never waits for the screen
			in <- &desk.Snapshot{Seq: seq}
		}
		synctest.Wait()
		if b.Busy() != 2 {
			t.Errorf("%d snapshots are under way, want the one at the screen and the newest", b.Busy())
		}
		close(free)
		synctest.Wait()
		if b.Busy() != 0 {
			t.Errorf("still busy: %d", b.Busy())
		}
		in <- &desk.Snapshot{Seq: 1001}
		close(in)
		<-done
		if len(got) != 3 || got[0] != 1 || got[1] != 1000 || got[2] != 1001 {
			t.Errorf("the screen got %v", got)
		}
	})
}

func TestTheBridgeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); New(make(chan *desk.Snapshot)).Run(ctx, func(tea.Msg) {}) }()
		synctest.Wait()
		cancel()
		<-done
	})
}

func TestCommandsGoInOrderAndNoneIsLostAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		q := NewQueue()
		gate := make(chan struct{})
		var got []uint64
		done := make(chan struct{})
		go func() {
			defer close(done)
			q.Run(ctx, func(c desk.Command) { <-gate; got = append(got, c.Number) })
		}()
		for n := uint64(1); n <= 100; n++ {
			q.Put(desk.Command{Number: n}) // never blocks, though nobody takes
		}
		synctest.Wait()
		if q.Busy() != 100 {
			t.Errorf("%d wait", q.Busy())
		}
		cancel()
		close(gate)
		<-done
		if len(got) != 100 || q.Busy() != 0 {
			t.Fatalf("%d of 100 arrived", len(got))
		}
		for i, n := range got {
			if n != uint64(i+1) {
				t.Fatalf("command %d came as number %d", n, i+1)
			}
		}
	})
}
