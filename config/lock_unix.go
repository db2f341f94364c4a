//go:build unix

package config

import (
	"fmt"
	"os"
	"syscall"
)

// writable says who else than root may write a file or a folder, or nothing.
func writable(path string) string {
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Sprintf("%s cannot be looked at", path)
	}
	owner := uint32(0)
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		owner = sys.Uid
	}
	return judgeOwner(path, owner, st.Mode())
}

// giveTo gives a file to the owner of another, where this user may: root changes somebody's settings, and they stay theirs.
func giveTo(file string, like os.FileInfo) {
	if sys, ok := like.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(file, int(sys.Uid), int(sys.Gid))
	}
}
