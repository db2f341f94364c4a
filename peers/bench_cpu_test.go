//go:build unix

package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"offhook/media"
	"offhook/media/device"
	"offhook/sip"
	"offhook/sip/offer"
)

// phoneRole is what the processes of BenchmarkProcessorOfCalls are told, in OFFHOOK_PHONE.
type phoneRole struct {
	Codec      string
	Secure     bool
	Call       string // URI; empty: it waits for calls
	Calls      int
	Conference bool // all of them
}

// TestAPhoneOfItsOwn is no test but a phone in a process of its own, whose processor time can be told from that of its far ends.
func TestAPhoneOfItsOwn(t *testing.T) {
	env := os.Getenv("OFFHOOK_PHONE")
	if env == "" {
		t.Skip("this is for benchmarks")
	}
	var role phoneRole
	if err := json.Unmarshal([]byte(env), &role); err != nil {
		t.Fatal(err)
	}
	set, err := device.Open(device.Spec{Input: "null", Output: "null"})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	h := media.NewHeadset(set.Capture, set.Playback)
	defer h.Close()
	cfg := sip.Config{Account: "sip:alex@localhost", Listen: netip.MustParseAddrPort("127.0.0.1:0"), Codecs: []string{role.Codec}, MaxCalls: 100, Headset: h, Unwatched: true}
	if role.Secure {
		cfg.Sound = sip.SoundConfig{Protect: offer.Required, DTLS: true}
	}
	p, err := sip.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	go func() { // it ends when nobody wants it any more
		_, _ = io.Copy(io.Discard, os.Stdin)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		p.Close(ctx)
	}()
	fmt.Printf("phone at %v\n", p.LocalAddr())
	for i := range role.Calls {
		if role.Call != "" {
			p.Dial(sip.LegID(strconv.Itoa(i)), role.Call)
		}
	}
	var up []sip.LegID
	for e := range p.Events() {
		switch e := e.(type) {
		case sip.IncomingCall:
			p.Answer(e.Leg)
		case sip.CallAnswered:
			if up = append(up, e.Leg); len(up) == role.Calls {
				if role.Conference {
					p.Conference(up)
				}
				fmt.Println("all are up")
			}
		case sip.CallEnded:
			fmt.Printf("ended: %+v\n", e)
		}
	}
}

// phoneProcess starts such a phone and returns where it is.
func phoneProcess(b *testing.B, role phoneRole) (pid int, at string, up func()) {
	b.Helper()
	env, _ := json.Marshal(role)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestAPhoneOfItsOwn$")
	cmd.Env = append(os.Environ(), "OFFHOOK_PHONE="+string(env), "OFFHOOK_PEERS_PROGRAM="+program)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Signal(syscall.SIGKILL)
			<-done
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "phone at "); ok {
			at = rest
			break
		}
	}
	ready := make(chan struct{})
	go func() {
		for lines.Scan() {
			if lines.Text() == "all are up" {
				close(ready)
			}
		}
	}()
	return cmd.Process.Pid, at, func() {
		b.Helper()
		select {
		case <-ready:
		case <-time.After(patience):
			b.Fatal("the calls did not come up")
		}
	}
}

// busy measures a process over some seconds.
func busy(b *testing.B, pid, calls int) {
	b.Helper()
	const window = 8 * time.Second
	time.Sleep(2 * time.Second) // until buffers have their length
	before := weigh(b, pid, "")
	for b.Loop() { // once: it is longer than any -benchtime
		time.Sleep(window)
	}
	after := weigh(b, pid, "")
	core := 100 * (after.processor - before.processor).Seconds() / (window.Seconds() * float64(max(b.N, 1)))
	b.ReportMetric(core, "%core")
	b.ReportMetric(core/float64(max(calls, 1)), "%core/call")
	b.ReportMetric(float64(after.rss)/1024, "MB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkProcessorOfCalls is what calls with sound in both directions cost: the process that answers is measured, the callers are another.
// One of the calls has the headset, the others send silence and play what comes in, as calls on hold do.
func BenchmarkProcessorOfCalls(b *testing.B) {
	for _, c := range []struct {
		name       string
		calls      int
		codec      string
		secure     bool
		conference bool
	}{
		{"idle", 0, "PCMU", false, false},
		{"PCMU 1", 1, "PCMU", false, false}, {"PCMU 10", 10, "PCMU", false, false}, {"PCMU 50", 50, "PCMU", false, false},
		{"DTLS-SRTP 1", 1, "PCMU", true, false}, {"DTLS-SRTP 10", 10, "PCMU", true, false},
		{"G722 1", 1, "G722", false, false}, {"Opus 1", 1, "opus", false, false}, {"Opus 10", 10, "opus", false, false},
		{"conference of 5, PCMU", 5, "PCMU", false, true}, {"conference of 5, Opus", 5, "opus", false, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			pid, at, up := phoneProcess(b, phoneRole{Codec: c.codec, Secure: c.secure, Calls: c.calls, Conference: c.conference})
			if c.calls > 0 {
				phoneProcess(b, phoneRole{Codec: c.codec, Secure: c.secure, Call: "sip:alex@" + at, Calls: c.calls})
				up()
			}
			busy(b, pid, c.calls)
		})
	}
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("baresip, PCMU %d", n), func(b *testing.B) {
			far := newBaresip(b, "PCMU/8000/1", 440)
			_, _, up := phoneProcess(b, phoneRole{Codec: "PCMU", Call: "sip:" + fredNumber + "@" + far.at.String(), Calls: n})
			up()
			busy(b, far.cmd.Process.Pid, n)
		})
	}
}
