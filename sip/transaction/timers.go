package transaction

import "time"

// The timers of RFC 3261 §17.1.1.1, the ones of the transaction machines. Tests use virtual time (testing/synctest).
const (
	T1 = 500 * time.Millisecond
	T2 = 4 * time.Second
	T4 = 5 * time.Second
)
