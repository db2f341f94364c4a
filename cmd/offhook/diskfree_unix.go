//go:build linux || darwin

package main

import "syscall"

// diskFree is how much room an ordinary user has on the disk of a folder.
func diskFree(dir string) (bytes uint64, known bool) {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0, false
	}
	return uint64(st.Bavail) * uint64(st.Bsize), true
}
