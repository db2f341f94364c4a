//go:build unix

package peers

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
)

// ringing reports whether some call still rings here.
func ringing(screen string) bool {
	return regexp.MustCompile(`(?m)◉|ringing +\d+:\d\d`).MatchString(screen)
}

func TestABurstOfCallersWhoGiveUpLeavesOneTaskEachAndNobodyRinging(t *testing.T) {
	feature.Proves(t, "SIPp", "burst of INVITE and CANCEL")
	peer(t, "sipp")
	o, d := story(t, settings{})
	const n = 200
	call := play(t, script{name: "uac_burst", target: d.w.sip, args: []string{"-m", strconv.Itoa(n), "-r", "40", "-l", "10", "-trace_rtt", "-rtt_freq", "1"}})
	call.passed()
	eventually(t, "nobody rings", func() bool { return !ringing(d.screen()) })
	keys := map[string]bool{}
	for _, k := range o.await(t, n) {
		o.inbound(0, 0).check(t, k)
		keys[k.CallObject] = true
	}
	if len(keys) != n {
		t.Errorf("%d calls have a Task, want %d", len(keys), n)
	}
	d.settled(n)
	t.Log("INVITE→180 as SIPp saw it:", call.delays())
}

// delays reads SIPp's response times.
func (r *sipp) delays() string {
	files, _ := filepath.Glob(filepath.Join(r.dir, "*_rtt.csv"))
	var all []time.Duration
	for _, f := range files {
		for l := range strings.SplitSeq(r.read(filepath.Base(f)), "\n") {
			if c := strings.Split(l, ";"); len(c) >= 3 {
				if ms, err := strconv.ParseFloat(c[1], 64); err == nil {
					all = append(all, time.Duration(ms*float64(time.Millisecond)))
				}
			}
		}
	}
	if len(all) == 0 {
		return "not measured"
	}
	slices.Sort(all)
	return "p50 " + all[len(all)/2].String() + ", p99 " + all[len(all)*99/100].String()
}
