//go:build unix

package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endured is how many calls OFFHOOK_SOAK asks for, else few.
func endured(t *testing.T, few int) int {
	s := os.Getenv("OFFHOOK_SOAK")
	if s == "" {
		return few
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("OFFHOOK_SOAK=%q is no number", s)
	}
	return n
}

// burden is what a running program holds.
type burden struct {
	rss       int // kB
	files     int
	threads   int
	stored    int64 // bytes in its folder
	processor time.Duration
}

func (b burden) String() string {
	return fmt.Sprintf("%.1f MB, %d files and sockets, %d threads, %.1f MB on disk, %.1f s of processor", float64(b.rss)/1024, b.files, b.threads,
		float64(b.stored)/1e6, b.processor.Seconds())
}

// weigh looks at a process from outside.
func weigh(t testing.TB, pid int, dir string) (b burden) {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		t.Skipf("this system does not tell what a process holds: %v", err)
	}
	number := func(name string) int {
		m := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindSubmatch(status)
		if m == nil {
			return 0
		}
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	b.rss, b.threads = number("VmRSS"), number("Threads")
	open, _ := os.ReadDir(filepath.Join(proc, "fd"))
	b.files = len(open)
	if stat, err := os.ReadFile(filepath.Join(proc, "stat")); err == nil {
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		b.processor = time.Duration(user+system) * 10 * time.Millisecond
	}
	if dir == "" {
		return b
	}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if fi, err := d.Info(); err == nil {
				b.stored += fi.Size()
			}
		}
		return nil
	})
	return b
}

// goroutines ends a desk as a developer would who wants to see what it does, and counts them by what began them.
func (d *desk) goroutines() (n int, by map[string]int) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		d.t.Fatal(err)
	}
	<-d.gone
	by = map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^created by ([^\s]+)`).FindAllStringSubmatch(d.bytes(), -1) {
		by[m[1]]++
	}
	return len(regexp.MustCompile(`(?m)^goroutine \d+ `).FindAllString(d.bytes(), -1)), by
}

// calm waits until nobody rings and n Tasks are in Salesforce.
func (d *desk) calm(n int) {
	d.t.Helper()
	for limit := time.Now().Add(4 * patience); ; time.Sleep(200 * time.Millisecond) { // a list of thousands is long
		if !ringing(d.screen()) && regexp.MustCompile(`Unsent 0`).MatchString(d.screen()) && len(d.w.org.tasks(d.t)) >= n {
			return
		}
		if time.Now().After(limit) {
			d.t.Fatalf("it does not come to rest:\n%s", d.screen())
		}
	}
}

func TestADayOfCallsLeavesOneTaskEachAndADeskThatIsNoHeavier(t *testing.T) {
	peer(t, "sipp")
	total := endured(t, 60)
	t.Parallel()
	o := newOrg(t)
	at := freePort(t, ownHost(5))
	w := newWorkplace(t, o, settings{sip: proxy(at) + "auto_answer = true\n"})
	d := w.ready(t)
	pid := d.cmd.Process.Pid
	caller := func(name string, n, rate, atOnce int) {
		if n > 0 {
			play(t, script{name: name, target: w.sip, at: at, args: []string{"-m", strconv.Itoa(n), "-r", strconv.Itoa(rate), "-l", strconv.Itoa(atOnce), "-timeout", "3600"}}).during(time.Hour)
		}
	}
	made := 0
	round := func(n int) burden {
		t.Helper()
		caller("uac_burst", n*3/4, 40, 8) // callers who give up
		made += n * 3 / 4
		d.calm(made)
		caller("uac_endure", n-n*3/4, 20, 1) // and calls that answer themselves
		made += n - n*3/4
		d.calm(made)
		if total > 1000 {
			time.Sleep(35 * time.Second) // ended calls answer repeats for 32 s: only then they are forgotten
		}
		b := weigh(t, pid, w.set.dir)
		t.Logf("after %5d calls: %v", made, b)
		return b
	}
	round(total / 10)
	early := round(total / 10)
	late := early
	for range 4 {
		late = round(total / 5)
	}
	count := map[string]int{}
	answered := 0
	seen := map[string]task{}
	tasks := o.tasks(t)
	for _, k := range tasks {
		if count[k.CallObject]++; count[k.CallObject] == 2 {
			t.Errorf("two Tasks for one call:\n%+v\n%+v", seen[k.CallObject], k)
		}
		seen[k.CallObject] = k
		if strings.Contains(k.Description, "Result: answered") {
			answered++
		}
	}
	t.Logf("%d calls, %d Tasks for %d of them, %d answered", made, len(tasks), len(count), answered)
	if len(count) != made || len(tasks) != made {
		t.Errorf("%d Tasks for %d of %d calls", len(tasks), len(count), made)
	}
	if answered < made/5 {
		t.Errorf("only %d of %d calls were answered", answered, made)
	}
	if late.files > early.files+10 || // connections to Salesforce come and go
		late.threads > early.threads+8 {
		t.Errorf("it grew: %v, and before %v", late, early)
	}
	if total > 1000 && late.rss > early.rss*5/4+4<<10 {
		t.Errorf("memory grew: %v, and before %v", late, early)
	}
	if total > 1000 {
		time.Sleep(30 * time.Second) // the clock of the screen may have one tick in a minute on its way for each call
	}
	end, byEnd := d.goroutines()
	begin, byBegin := newWorkplace(t, o, settings{}).ready(t).goroutines()
	t.Logf("%d goroutines at the end, %d in one that has just begun", end, begin)
	for what, n := range byEnd {
		if n > byBegin[what] {
			t.Logf("%d of %s, %d in one that has just begun", n, what, byBegin[what])
		}
	}
	// Eight connections to Salesforce may be idle, and each has two.
	if begin == 0 || end > begin+20 && total > 1000 {
		t.Errorf("%d goroutines at the end, %d in one that has just begun", end, begin)
	}
}
