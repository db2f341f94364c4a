package sip

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// torture are the messages of RFC 4475, as the module of our parser carries them.
func torture(t *testing.T) map[string][]byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]byte{}
	root := filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".dat" {
			return err
		}
		b, err := os.ReadFile(path)
		all[d.Name()] = b
		return err
	})
	if err != nil || len(all) < 45 {
		t.Fatalf("%d messages in %s: %v", len(all), root, err)
	}
	return all
}

func TestTheMessagesOfRFC4475DisturbNoCall(t *testing.T) {
	t.Parallel()
	alice, bob := &bench{hz: 440}, &bench{hz: 1000}
	a := open(t, "alice", func(c *Config) { c.Headset = alice.headset(t) })
	b := open(t, "bob", func(c *Config) { c.Headset = bob.headset(t) })
	leg := talking(t, a, b, "x")
	hearEachOther(t, alice, bob)

	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(b.LocalAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := net.Dial("tcp4", b.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for name, msg := range torture(t) {
		if _, err := conn.Write(msg); err != nil && !bytes.Contains(msg, []byte("SIP/2.0")) {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := stream.Write(msg); err != nil { // a framing error may close it, and rightly
			stream.Close()
			if stream, err = net.Dial("tcp4", b.LocalAddr().String()); err != nil {
				t.Fatalf("%s: the phone takes no more connections: %v", name, err)
			}
		}
	}
	// Whatever rang because of them is not this call, whose sound goes on.
	hearEachOther(t, alice, bob)
	b.Hangup(leg)
	if e := wait[CallEnded](t, a); e.Cause != EndNormal {
		t.Fatalf("%+v", e)
	}
}
