//go:build unix

package peers

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"
)

// sipp is one run of SIPp with a scenario of testdata.
type sipp struct {
	t    testing.TB
	name string
	dir  string
	at   netip.AddrPort
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{}
	err  error
}

// script says how a scenario is run. SIPp calls target, or waits for calls when there is none.
type script struct {
	name   string // testdata/NAME.xml
	target netip.AddrPort
	tcp    bool
	from   string         // caller's number, default Fred's
	media  netip.AddrPort // where the sound is wanted; zero: SIPp's own
	tone   float64        // Hz that SIPp sends, default 440
	at     netip.AddrPort // SIPp's own address; zero: a free one
	args   []string
	// elsewhere is where a scenario sends the caller.
	elsewhere netip.AddrPort
}

// play starts SIPp.
func play(t testing.TB, s script) *sipp {
	t.Helper()
	path := peer(t, "sipp")
	r := &sipp{t: t, name: s.name, dir: t.TempDir(), at: s.at, done: make(chan struct{})}
	if !r.at.IsValid() {
		r.at = freePort(t, ownHost(5))
	}
	if s.from == "" {
		s.from = fredNumber
	}
	if s.tone == 0 {
		s.tone = 440
	}
	tone := filepath.Join(r.dir, "tone.pcmu")
	if err := os.WriteFile(tone, muLawTone(s.tone, 10*time.Second), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &dialect{script: s, tone: tone}
	tmpl, err := template.New(s.name + ".xml").Funcs(d.words()).ParseFiles(filepath.Join("testdata", s.name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	var scenario bytes.Buffer
	if err := tmpl.Execute(&scenario, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(r.dir, "scenario.xml")
	if err := os.WriteFile(file, scenario.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	host := r.at.Addr().String()
	args := []string{"-sf", file, "-i", host, "-p", strconv.Itoa(int(r.at.Port())), "-mi", host, "-nostdin", "-timeout", "60", "-timeout_error",
		"-trace_msg", "-message_file", filepath.Join(r.dir, "messages"), "-trace_err", "-error_file", filepath.Join(r.dir, "errors"),
		"-trace_logs", "-log_file", filepath.Join(r.dir, "log")}
	if s.tcp {
		args = append(args, "-t", "t1")
	}
	if len(s.args) == 0 {
		args = append(args, "-m", "1")
	}
	args = append(args, s.args...)
	if s.target.IsValid() {
		args = append(args, "-s", "alex", s.target.String())
	}
	r.cmd = exec.Command(path, args...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = r.dir, &r.out, &r.out
	r.cmd.Env = append(os.Environ(), "TERM=xterm")
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.done
	})
	if !s.target.IsValid() {
		eventually(t, "SIPp takes calls", func() bool {
			select {
			case <-r.done:
				t.Fatalf("SIPp %s ended at once: %v\n%s", s.name, r.err, tail(r.out.String(), 2000))
			default:
			}
			if s.tcp {
				return tcpBound(r.at)
			}
			return udpBound(r.at)
		})
	}
	return r
}

// done waits until SIPp has seen everything as it is written in the scenario.
func (r *sipp) passed() {
	r.t.Helper()
	r.during(75 * time.Second)
}

// during is passed for a scenario that takes longer.
func (r *sipp) during(limit time.Duration) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(limit):
		r.t.Fatalf("SIPp %s does not end", r.name)
	}
	if r.err != nil {
		r.t.Fatalf("SIPp %s: %v\n%s\n%s\nmessages:\n%s", r.name, r.err, r.read("errors"), tail(r.out.String(), 600), tail(r.read("messages"), 6000))
	}
}

// stop ends a scenario that waits for more calls.
func (r *sipp) stop() {
	_ = r.cmd.Process.Kill()
	<-r.done
}

func (r *sipp) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(r.dir, name))
	return string(b)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// udpBound and tcpBound look into the kernel's tables: a probe would be a message or a call.
func udpBound(at netip.AddrPort) bool { return bound("/proc/net/udp", at, "") }
func tcpBound(at netip.AddrPort) bool { return bound("/proc/net/tcp", at, " 0A ") }

func bound(table string, at netip.AddrPort, state string) bool {
	b, err := os.ReadFile(table)
	if err != nil {
		return true // not Linux: the first message is repeated if it was too early
	}
	a := at.Addr().As4()
	want := fmt.Sprintf(": %02X%02X%02X%02X:%04X ", a[3], a[2], a[1], a[0], at.Port())
	for l := range strings.SplitSeq(string(b), "\n") {
		if strings.Contains(l, want) && strings.Contains(l, state) {
			return true
		}
	}
	return false
}

// dialect is the words that the scenarios are written in: each stands for one message of SIPp's language.
type dialect struct {
	script
	tone    string
	version int // of the session description
}

func (d *dialect) words() template.FuncMap {
	return template.FuncMap{
		"invite": d.invite, "ack": d.ack, "nack": d.nack, "bye": d.bye, "cancel": d.cancel, "reply": d.reply, "ring": d.ring, "answer": d.answer,
		"notify": d.notify, "hangup": d.hangup, "talk": d.talk, "cross": d.cross, "fork": d.fork, "pause": func(ms int) string { return fmt.Sprintf(`<pause milliseconds="%d"/>`, ms) },
		"long": func() string { return strings.Repeat("x", 900) },
		"refer": func(cseq int) string {
			return send(true, d.caller("REFER", "[peer_tag_param]", cseq, "[branch]"), "Refer-To: <sip:2104@"+d.elsewhere.String()+">", "Refer-Sub: false",
				"Supported: norefersub", "Content-Length: 0\n")
		},
		"elsewhere": func() string { return d.elsewhere.String() },
		"inviteWith": func(direction string, more ...string) string {
			return strings.Replace(d.invite(1, direction), "\nMax-Forwards: 70", "\nMax-Forwards: 70\n"+strings.Join(more, "\n"), 1)
		},
		"provisional": func() string {
			return "<recv response=\"100\" optional=\"true\"/>\n<recv response=\"180\" optional=\"true\"/>"
		},
	}
}

func send(retrans bool, lines ...string) string {
	attr := ""
	if retrans {
		attr = ` retrans="500"`
	}
	return "<send" + attr + "><![CDATA[\n" + strings.Join(lines, "\n") + "\n]]></send>"
}

// sdp is an offer or answer with this direction.
func (d *dialect) sdp(direction string) string {
	ip, port := "[media_ip]", "[media_port]"
	if d.media.IsValid() {
		ip, port = d.media.Addr().String(), strconv.Itoa(int(d.media.Port()))
	}
	d.version++
	return "v=0\no=sipp 1 " + strconv.Itoa(d.version) + " IN IP4 [local_ip]\ns=-\nc=IN IP4 " + ip + "\nt=0 0\nm=audio " + port +
		" RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=" + direction + "\n"
}

func (d *dialect) body(direction string) string {
	if direction == "" {
		return "Content-Length: 0\n"
	}
	return "Content-Type: application/sdp\nContent-Length: [len]\n\n" + d.sdp(direction)
}

const firstBranch = "z9hG4bKfirst[pid]x[call_number]"

func (d *dialect) caller(method, to string, cseq int, branch string) string {
	uri := "[next_url]"
	if to == "" {
		uri = "sip:[service]@[remote_ip]:[remote_port]"
	}
	return fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=%s\n"+
		"From: \"Caller\" <sip:%s@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]\nTo: <sip:[service]@[remote_ip]:[remote_port]>%s\n"+
		"Call-ID: [call_id]\nCSeq: %d %s\nContact: <sip:%s@[local_ip]:[local_port];transport=[transport]>\nMax-Forwards: 70",
		method, uri, branch, d.from, to, cseq, strings.Fields(method)[0], d.from)
}

// invite begins a call (cseq 1) or changes one; an empty direction offers nothing. more are further headers.
func (d *dialect) invite(cseq int, direction string, more ...string) string {
	to, branch := "[peer_tag_param]", "[branch]"
	if cseq == 1 {
		to, branch = "", firstBranch
	}
	return send(true, append(append([]string{d.caller("INVITE", to, cseq, branch), "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY"}, more...), d.body(direction))...)
}

// ack is for a 2xx; direction is for an answer in it (late offer).
func (d *dialect) ack(cseq int, direction string) string {
	return send(false, d.caller("ACK", "[peer_tag_param]", cseq, "[branch]"), d.body(direction))
}

// nack is the ACK of a refusal: the transaction of the INVITE (RFC 3261 §17.1.1.3).
func (d *dialect) nack() string {
	return send(false, strings.Replace(d.caller("ACK", "[peer_tag_param]", 1, firstBranch), "[next_url]", "sip:[service]@[remote_ip]:[remote_port]", 1), "Content-Length: 0\n")
}

func (d *dialect) bye(cseq int) string {
	return send(true, d.caller("BYE", "[peer_tag_param]", cseq, "[branch]"), "Content-Length: 0\n") + "\n<recv response=\"200\"/>"
}

// cancel gives up; more is a further header.
func (d *dialect) cancel(more ...string) string {
	return send(true, append(append([]string{d.caller("CANCEL", "", 1, firstBranch)}, more...), "Content-Length: 0\n")...)
}

// notify tells the transferor what became of its REFER.
func (d *dialect) notify(cseq int, state, frag string) string {
	return send(true, d.caller("NOTIFY", "[peer_tag_param]", cseq, "[branch]"), "Event: refer", "Subscription-State: "+state,
		"Content-Type: message/sipfrag;version=2.0\nContent-Length: [len]\n\n"+frag+"\n") + "\n<recv response=\"200\"/>"
}

// reply answers the last request of an established call.
func (d *dialect) reply(status, direction string, more ...string) string {
	return d.respond(status, "", direction, more...)
}

func (d *dialect) respond(status, tag, direction string, more ...string) string {
	head := append([]string{"SIP/2.0 " + status, "[last_Via:]", "[last_From:]", "[last_To:]" + tag, "[last_Call-ID:]", "[last_CSeq:]",
		"Contact: <sip:answer@[local_ip]:[local_port];transport=[transport]>"}, more...)
	if strings.HasPrefix(status, "3") { // its Contacts are where to go
		head = append(head[:6:6], more...)
	}
	return send(strings.HasPrefix(status, "2") && direction != "", append(head, d.body(direction))...)
}

// ring and answer are the answerer's; tag names the branch of a fork.
func (d *dialect) ring(status, tag, direction string, more ...string) string {
	return d.respond(status, ";tag=[pid]"+tag+"[call_number]", direction, more...)
}

// cross is a 200 to the INVITE after the CANCEL has come: all but the method is as in the CANCEL (RFC 3261 §9.1).
func (d *dialect) cross() string {
	return strings.Replace(d.respond("200 OK", ";tag=[pid]T[call_number]", "sendrecv"), "[last_CSeq:]", "CSeq: [$1] INVITE", 1)
}

// fork is one more 200 to the INVITE, from another branch, when the first was acknowledged: $1 to $3 hold the INVITE's Via, To
// and number.
func (d *dialect) fork(tag string) string {
	return strings.NewReplacer("[last_Via:]", "Via: [$1]", "[last_To:]", "To: [$2]", "[last_CSeq:]", "CSeq: [$3] INVITE").
		Replace(d.respond("200 OK", ";tag=[pid]"+tag+"[call_number]", "sendrecv"))
}

func (d *dialect) answer(tag string) string {
	return d.respond("200 OK", ";tag=[pid]"+tag+"[call_number]", "sendrecv")
}

// hangup is the answerer's BYE; $1 holds the caller's From.
func (d *dialect) hangup(tag string) string {
	return send(true, "BYE [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"+
		"From: <sip:answer@[local_ip]:[local_port]>;tag=[pid]"+tag+"[call_number]\nTo: [$1]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70",
		"Content-Length: 0\n") + "\n<recv response=\"200\"/>"
}

// talk streams the tone for as long as the call lasts.
func (d *dialect) talk() string {
	return `<nop><action><exec rtp_stream="` + d.tone + `,-1,0,PCMU/8000"/></action></nop>`
}

// muLawTone is a sine at a quarter of full scale as G.711 µ-law (ITU-T G.711), without a header: SIPp sends raw payload.
func muLawTone(hz float64, length time.Duration) []byte {
	b := make([]byte, int(length.Seconds()*8000))
	for i := range b {
		v, sign := int(8192*math.Sin(2*math.Pi*hz*float64(i)/8000)), 0
		if v < 0 {
			v, sign = -v, 0x80
		}
		v = min(v, 32635) + 132
		exp := 0
		for v>>(exp+8) > 0 {
			exp++
		}
		b[i] = ^byte(sign | exp<<4 | v>>(exp+3)&15)
	}
	return b
}
