//go:build !linux && !darwin

package main

// diskFree is not known here.
func diskFree(string) (bytes uint64, known bool) { return 0, false }
