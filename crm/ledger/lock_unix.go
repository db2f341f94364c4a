//go:build !windows

package ledger

// holderSuffix: the holder stands in the lock file itself.
const holderSuffix = ""
