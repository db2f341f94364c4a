package transaction

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Torture are the test messages of RFC 4475 as the module of our parser carries them, byte for byte: folder is "valid", "invalid" or "*".
func Torture(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "sip", "testdata", "torture", folder, "*.dat"))
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".dat")] = b
	}
	if len(out) == 0 {
		t.Fatalf("no messages in %s", strings.TrimSpace(string(dir)))
	}
	return out
}

// What a UAS should do with the requests of RFC 4475 §3.1.2 and §3.3: the status of our answer; "" for silence (responses for
// somebody else, or no Via to answer by), 200 for those that can be understood and are left to the layers above.
var tortureAnswers = map[string]string{
	"badaspec": "200", "badbranch": "200", "baddate": "200", "baddn": "400", "badinv01": "400", "badvers": "505", "bcast": "",
	"bext01": "200", "bigcode": "", "clerr": "400", "cparam01": "200", "cparam02": "200", "escruri": "200", "insuf": "400",
	"inv2543": "200", "invut": "200", "ltgtruri": "400", "lwsruri": "400", "lwsstart": "400", "mcl01": "400", "mismatch01": "400",
	"mismatch02": "400", "multi01": "400", "ncl": "400", "novelsc": "416", "quotbal": "400", "regaut01": "200", "regbadct": "400",
	"regescrt": "200", "scalar02": "400", "scalarlg": "", "sdp01": "200", "test": "", "trws": "400", "unkscm": "416",
	"unksm2": "200", "zeromf": "200",
}

func TestTheFiftyMessagesOfRFC4475(t *testing.T) {
	valid, invalid := Torture(t, "valid"), Torture(t, "invalid")
	if len(valid)+len(invalid) != 50 {
		t.Fatalf("%d messages", len(valid)+len(invalid))
	}
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }}
		l, _, wire := virtual(t, Config{}, h)
		for name, msg := range valid {
			before := l.Stats()
			wire.in <- string(msg)
			synctest.Wait()
			if s := l.Stats(); s.Malformed != before.Malformed || s.Garbage != before.Garbage || s.Requests+s.Responses != before.Requests+before.Responses+1 {
				t.Errorf("%s was not accepted: %q", name, wire.last())
			}
		}
		for name, msg := range invalid {
			want, known := tortureAnswers[name]
			before := len(wire.lines())
			wire.in <- string(msg)
			synctest.Wait()
			got := ""
			if lines := wire.lines(); len(lines) > before {
				got = strings.Fields(lines[before])[1]
			}
			if got != want || !known {
				t.Errorf("%s: answered %q, want %q", name, got, want)
			}
		}
		wire.in <- requestText("OPTIONS", "alive", fakeRemote)
		synctest.Wait()
		if firstLine(wire.last()) != "SIP/2.0 200 OK" || field(wire.last(), "Call-ID") != "alive" {
			t.Errorf("afterwards: %q", wire.last())
		}
		time.Sleep(time.Minute)
	})
}

// Each of the fifty comes over a connection, followed by a good request. Where the message says how long it is, the
// connection must live and the request be answered.
func TestTheFiftyMessagesOverTCP(t *testing.T) {
	all := Torture(t, "*")
	// These do not tell where they end, or claim more than is there (RFC 3261 §18.3).
	endless := map[string]bool{"ncl": true, "mcl01": true, "clerr": true, "baddn": true}
	for name, msg := range all {
		synctest.Test(t, func(t *testing.T) {
			h := &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }}
			_, f, theirs := pipe(t, Config{}, h, false)
			var out bytes.Buffer
			finished := make(chan struct{})
			go func() {
				defer close(finished)
				b := make([]byte, 4096)
				for {
					n, err := theirs.Read(b)
					if out.Write(b[:n]); err != nil {
						return
					}
				}
			}()
			go func() {
				theirs.Write(msg)
				theirs.Write([]byte(requestText("OPTIONS", "behind-it", fakeRemote)))
			}()
			time.Sleep(framingGrace)
			synctest.Wait()
			theirs.SetReadDeadline(time.Now())
			<-finished
			length := check(msg).length
			answered := strings.Contains(out.String(), "Call-ID: behind-it")
			switch {
			case endless[name] || length < 0:
				if name != "clerr" && name != "baddn" && f.Alive() && !answered {
					t.Errorf("%s: the connection hangs", name)
				}
			case !answered || !f.Alive():
				t.Errorf("%s: the request behind it was not answered (alive %v): %q", name, f.Alive(), out.String())
			}
			theirs.Close()
			synctest.Wait()
		})
	}
}
