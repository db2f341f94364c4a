//go:build unix

package peers

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkStartToRegistered is the time from the start of the program, with its screen and its ledger, until its registrar has granted
// what it asked for, and until the agent sees that calls are taken.
func BenchmarkStartToRegistered(b *testing.B) {
	o := newOrg(b)
	reg := newRegistrar(b, "udp")
	var granted, seen []time.Duration
	for b.Loop() {
		w := newWorkplace(b, o, settings{noReg: true, sip: fmt.Sprintf("account = \"sip:alex@%[1]s\"\nregistrar = %[1]q\npassword = \"secret\"\nallow_plaintext = true\n", reg.at)})
		reg.mu.Lock()
		reg.grants = 0
		reg.mu.Unlock()
		began := time.Now()
		d := w.start(b)
		for reg.mu.Lock(); reg.grants == 0; reg.mu.Lock() {
			reg.mu.Unlock()
			time.Sleep(100 * time.Microsecond)
			if time.Since(began) > patience {
				b.Fatalf("it never registered:\n%s", d.screen())
			}
		}
		reg.mu.Unlock()
		granted = append(granted, time.Since(began))
		d.sees(`Available`)
		seen = append(seen, time.Since(began))
		d.kill()
	}
	report(b, granted)
	sum := time.Duration(0)
	for _, d := range seen {
		sum += d
	}
	b.ReportMetric(float64(sum)/float64(len(seen))/float64(time.Millisecond), "seen-mean-ms")
}
