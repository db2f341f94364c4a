package post

import (
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func TestLookupsThatRestForWantOfAPICallsHoldNoRecordUp(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultLimit, Path: "/search"})
	p.Fault(emulator.Fault{Kind: emulator.FaultLimit, Path: "/composite"})
	for n := 1; n <= 3; n++ {
		if m := p.dir.Lookup(t.Context(), text.Clean("+442079460999"), crm.Inbound); m.State != crm.MatchFailed {
			t.Fatalf("%s", m.State)
		}
		key := p.end(n, nil)
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, n)
	}
}
