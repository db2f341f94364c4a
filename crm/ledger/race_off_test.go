//go:build !race

package ledger

// slow divides the rounds of the crash tests; see race_on_test.go.
const slow = 1
