//go:build race

package ledger

// slow divides the rounds of the crash tests: the race detector makes SQLite, which is translated C, some twenty times
// slower, and what these tests prove is about the disk.
const slow = 8
