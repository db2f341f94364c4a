// Package allocs counts what a function allocates, for the tests of what runs for each packet.
//
// testing.AllocsPerRun counts the whole process: a codec that is compiled in the background, or the end of an earlier test, is
// counted too. What the function itself allocates is there in every try, what runs beside it is not.
// It is used by tests alone, and never fails one itself.
package allocs

import (
	"testing"
	"time"
)

// Of is the least number of allocations per call of f, the average of runs calls, rounded down; it is tried again for at most a
// minute until it is 0.
func Of(runs int, f func()) float64 {
	least := testing.AllocsPerRun(runs, f)
	for limit := time.Now().Add(time.Minute); least > 0 && time.Now().Before(limit); {
		time.Sleep(time.Millisecond) // whoever runs beside it comes to an end sooner
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
