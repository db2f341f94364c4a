package ledger

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/internal/text"
)

// child is a desk that is never at rest: it journals, finishes, claims and sends as fast as the disk allows, and says on
// standard output what the ledger has acknowledged, until it is killed.
func child(path string) {
	round := os.Getenv("OFFHOOK_LEDGER_ROUND")
	seed, _ := strconv.ParseUint(round, 10, 64)
	rng := rand.New(rand.NewPCG(seed, 1))
	ctx := context.Background()
	l, err := Open(ctx, path, Options{})
	check := func(what, key string, err error) {
		if err != nil {
			fmt.Println("error", what, key, strings.ReplaceAll(err.Error(), " ", "_"))
			os.Exit(1)
		}
		fmt.Println(what, key) // os.Stdout is not buffered: the line is out before the next operation begins
	}
	check("opened", "-", err)
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s-%d", round, i)
		at := t0.Add(time.Duration(i) * time.Second)
		check("journalled", key, l.Journal(ctx, ringing(key, at), "INVITE", at))
		for range rng.IntN(3) {
			check("journalled", key, l.Journal(ctx, talking(key, at), "answered", at))
		}
		if rng.IntN(4) == 0 {
			continue // stays open
		}
		err := l.Finish(ctx, ended(key, at), &Item{Payload: payload(key)})
		check("finished", key, err)
		if rng.IntN(2) == 0 {
			it, _, err := l.Claim(ctx, key, at.Add(time.Hour))
			check("claimed", it.Key, err)
			if rng.IntN(4) > 0 {
				check("sent", key, l.MarkSent(ctx, key, "T"+key))
			}
		}
	}
}

// promise is what the ledger has acknowledged for one call.
type promise struct{ journalled, finished, claimed, sent bool }

func TestNothingAcknowledgedIsLostIn100Kills(t *testing.T) {
	for desk := range 4 { // each with a ledger of its own, killed 25 times
		t.Run(fmt.Sprintf("desk %d", desk), func(t *testing.T) {
			t.Parallel()
			killDesk(t, 25/slow, uint64(desk))
		})
	}
}

func killDesk(t *testing.T, rounds int, seed uint64) {
	path := file(t)
	rng := rand.New(rand.NewPCG(42, seed))
	promises := map[string]promise{}
	recovered := map[string]bool{}
	acknowledged, openAtDeath, cutSends := 0, 0, 0
	for round := range rounds {
		fresh := map[string]promise{}
		runAndKill(t, path, round, rng.IntN(30), func(what, key string) {
			p := fresh[key]
			switch what {
			case "journalled":
				p.journalled = true
			case "finished":
				p.finished = true
			case "claimed":
				p.claimed = true
			case "sent":
				p.sent = true
			}
			if what != "opened" {
				fresh[key] = p
				acknowledged++
			}
		})
		l, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		before, err := l.Counts(t.Context())
		must(t, err)
		done, err := l.Recover(t.Context(), t0.Add(24*time.Hour), func(c Call) *Item { return &Item{Payload: payload(c.Key)} })
		must(t, err)
		after, err := l.Counts(t.Context())
		must(t, err)
		if before.OpenCalls != len(done) || after.OpenCalls != 0 {
			t.Fatalf("round %d: %d calls were open, %d recovered, %d still open", round, before.OpenCalls, len(done), after.OpenCalls)
		}
		openAtDeath += len(done)
		for _, c := range done {
			if recovered[c.Key] {
				t.Fatalf("round %d: %s was recovered twice", round, c.Key)
			}
			recovered[c.Key] = true
		}
		for key, p := range fresh {
			s, err := l.Call(t.Context(), key)
			if err != nil {
				t.Fatalf("round %d: acknowledged %+v, but %v", round, p, err)
			}
			keep(t, s, p, recovered[key])
			if s.Item.Ambiguous {
				cutSends++
			}
			promises[key] = p
		}
		must(t, l.Close())
	}
	l, err := OpenReadOnly(t.Context(), path)
	must(t, err)
	defer l.Close()
	must(t, l.Check(t.Context()))
	all, err := l.History(t.Context(), Filter{Limit: -1})
	must(t, err)
	seen := map[string]int{}
	for _, e := range all {
		seen[e.Call.Key]++
		if e.Item == nil || string(e.Item.Payload) != string(payload(e.Call.Key)) {
			t.Errorf("%s has no record of its own: %+v", e.Call.Key, e.Item)
		}
	}
	for key := range promises {
		if seen[key] != 1 {
			t.Errorf("%s is there %d times", key, seen[key])
		}
	}
	if acknowledged < 4*rounds || openAtDeath < rounds/3 || rounds == 25 && cutSends < 1 {
		t.Errorf("the kills did not hit what they should: %d acknowledged, %d open, %d sends cut off", acknowledged, openAtDeath, cutSends)
	}
	t.Logf("%d acknowledged writes, %d calls cut off, %d sends cut off, none lost, none doubled", acknowledged, openAtDeath, cutSends)
}

// keep checks one call against what was acknowledged for it. More may have happened than was acknowledged: the kill can come
// between the commit and the line on standard output.
func keep(t *testing.T, s Story, p promise, recovered bool) {
	t.Helper()
	key := s.Call.Key
	if s.Item == nil || s.Call.Open() {
		t.Fatalf("%s has no record", key)
	}
	if want := map[bool]string{true: EndedCrash, false: EndedNormal}[recovered]; s.Call.State != want {
		t.Errorf("%s is %s, want %s", key, s.Call.State, want)
	}
	if p.finished && recovered {
		t.Errorf("%s had ended, and was recovered", key)
	}
	queued := 0
	for _, a := range s.Attempts {
		if a.Result == "queued" {
			queued++
		}
	}
	if queued != 1 {
		t.Errorf("%s was enqueued %d times", key, queued)
	}
	switch {
	case s.Item.State == Sent:
		if s.Item.TaskID != "T"+key {
			t.Errorf("%s has task %q", key, s.Item.TaskID)
		}
	case s.Item.State != Pending || p.sent:
		t.Errorf("%s is %s after %+v", key, s.Item.State, p)
	case p.claimed && !s.Item.Ambiguous:
		t.Errorf("%s was being sent and nobody will look it up", key)
	}
}

// runAndKill starts a child, reads that many acknowledgements, kills it, and passes on everything it had acknowledged.
func runAndKill(t *testing.T, path string, round, lines int, ack func(what, key string)) {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "OFFHOOK_LEDGER_CHILD="+path, "OFFHOOK_LEDGER_ROUND="+strconv.Itoa(round), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	sc := bufio.NewScanner(out)
	for n := 0; ; n++ {
		if n == lines {
			must(t, cmd.Process.Kill())
		}
		if !sc.Scan() {
			break
		}
		f := strings.Fields(sc.Text())
		if len(f) != 2 {
			if f[0] == "error" {
				t.Errorf("child: %s", sc.Text())
			}
			continue
		}
		ack(f[0], f[1])
	}
	_ = cmd.Wait() // killed
}

// copyLedger copies the files as a crash would leave them: the database and the first walBytes bytes of its log (negative:
// all of it).
func copyLedger(t *testing.T, from string, walBytes int64) string {
	t.Helper()
	to := file(t)
	for _, suffix := range []string{"", "-wal"} {
		in, err := os.Open(from + suffix)
		must(t, err)
		out, err := os.OpenFile(to+suffix, os.O_CREATE|os.O_WRONLY, 0o600)
		must(t, err)
		var r io.Reader = in
		if suffix == "-wal" && walBytes >= 0 {
			r = io.LimitReader(in, walBytes)
		}
		_, err = io.Copy(out, r)
		must(t, err)
		must(t, in.Close())
		must(t, out.Close())
	}
	return to
}

// step does one random operation; errors that mean "not now" are part of the game.
func step(t *testing.T, l *Ledger, rng *rand.Rand) string {
	t.Helper()
	ctx := t.Context()
	key := fmt.Sprintf("k%d", rng.IntN(6))
	var err error
	op := rng.IntN(11)
	switch op {
	case 0, 1:
		err = l.Journal(ctx, ringing(key, t0), "INVITE", t0)
	case 2:
		err = l.Journal(ctx, talking(key, t0), "answered", t0.Add(4*time.Second))
	case 3, 4:
		err = l.Finish(ctx, ended(key, t0), &Item{Payload: payload(key)})
	case 5:
		_, _, err = l.Claim(ctx, key, t0.Add(time.Hour))
	case 6:
		err = l.MarkSent(ctx, key, "00T"+key)
	case 7:
		err = l.MarkRetry(ctx, key, Failure{Class: "network", Reason: text.Clean("no answer"), Due: t0, Ambiguous: rng.IntN(2) == 0})
	case 8:
		err = l.MarkDead(ctx, key, Failure{Class: "validation", Reason: text.Clean("refused")})
	case 9:
		err = l.Retry(ctx, key)
	case 10:
		_, err = l.Amend(ctx, key, time.Time{}, whole(ended(key, t0), payload("amended")))
	}
	if k := kindOf(err); k != nil {
		t.Fatalf("operation %d of %s: %v", op, key, err)
	}
	return fmt.Sprintf("%d(%s)", op, key)
}

// dump is everything in the ledger, as text.
func dump(t *testing.T, l *Ledger) string {
	t.Helper()
	var b strings.Builder
	es, err := l.History(t.Context(), Filter{Limit: -1})
	must(t, err)
	slices.SortFunc(es, func(a, b Entry) int { return strings.Compare(a.Call.Key, b.Call.Key) })
	for _, e := range es {
		s, err := l.Call(t.Context(), e.Call.Key)
		must(t, err)
		item := s.Item
		s.Item = nil
		fmt.Fprintf(&b, "%+v\n", s)
		if item != nil {
			fmt.Fprintf(&b, "  %+v\n", *item)
		}
	}
	return b.String()
}

// Whatever part of the log a power cut leaves behind, the ledger holds exactly the operations whose commit is in it.
func TestATornLogHoldsExactlyTheCommitsThatReachedTheDisk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6/slow + 1) {
		rng := rand.New(rand.NewPCG(seed, 2))
		path := file(t)
		l := open(t, path, newClock())
		must(t, l.Journal(t.Context(), ringing("first", t0), "INVITE", t0))
		_, err := l.w.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		must(t, err)
		_, err = l.w.Exec("PRAGMA wal_autocheckpoint = 0")
		must(t, err)
		var sizes []int64 // of the log after each operation
		var dumps, ops []string
		for range 25 {
			ops = append(ops, step(t, l, rng))
			st, err := os.Stat(path + "-wal")
			must(t, err)
			sizes, dumps = append(sizes, st.Size()), append(dumps, dump(t, l))
		}
		for range 6 {
			i := rng.IntN(len(sizes) - 1)
			cut := sizes[i] + rng.Int64N(max(1, sizes[i+1]-sizes[i]))
			for i+1 < len(sizes) && sizes[i+1] <= cut {
				i++ // the next ones changed nothing
			}
			r, err := OpenReadOnly(t.Context(), copyLedger(t, path, cut))
			must(t, err)
			if got := dump(t, r); got != dumps[i] {
				t.Fatalf("seed %d, log cut at %d of %d, after %v:\ngot\n%s\nwant\n%s", seed, cut, sizes[len(sizes)-1], ops[:i+1], got, dumps[i])
			}
			must(t, r.Close())
		}
	}
}
