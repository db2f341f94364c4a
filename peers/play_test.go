//go:build unix

package peers

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tape plays a script of keys against a desk with these settings and returns what was printed and the exit code.
func (w *workplace) tape(t *testing.T, text string) (out string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "story.tape")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := w.command("play", file).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(b), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(b), 0
}

func TestATapeTakesACallOfSIPp(t *testing.T) {
	peer(t, "sipp")
	t.Parallel()
	o := newOrg(t)
	w := newWorkplace(t, o, settings{})
	call := play(t, script{name: "uac_wait", target: w.sip}) // its INVITE is repeated until the desk is there
	out, code := w.tape(t, "Wait+Screen /Fred Bloggs/\nType \"a\"\nWait+Screen /talking +0:(0[1-9]|[1-5])/\nType \"x\"\nWait+Screen /Task in Salesforce/\n")
	if code != 0 || !strings.Contains(out, "passed") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	call.passed()
	o.one(t, o.inbound(1, 4))
}

func TestATapeSaysHowItEnded(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t, newOrg(t), settings{})
	if out, code := w.tape(t, "Wait+Screen /Available/\nWait+Screen@1s /no such thing/\n"); code != 1 || !strings.Contains(out, "Available") {
		t.Errorf("an expectation that fails: exit %d, and the screen is not printed:\n%s", code, out)
	}
	if out, code := w.tape(t, "Wibble /x/\n"); code != 2 || !strings.Contains(out, ":1") {
		t.Errorf("a tape that cannot be read: exit %d:\n%s", code, out)
	}
}
